"""Replays sample events, each of which has beside it what must come back (see ``events/README.md``)."""
