"""The chat: rooms, messages, and orders that report their status."""
