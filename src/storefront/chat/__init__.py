"""The chat: rooms, their messages, and the state of orders as it changes."""
