"""Clients of the shop: the demo's journeys, the smoke test, the chat."""
