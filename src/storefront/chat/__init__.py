"""The chat: customers and support in rooms, and orders that move."""
