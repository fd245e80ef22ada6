"""Replays sample events: each is a file, and beside it what must come back (see ``events/README.md``).

``cases`` reads them, ``comparison`` holds answers against what is expected, ``world`` makes a running stack one that
the cases can be replayed on. What runs a function is a target: ``in_process``, ``sam`` or ``aws``.
"""
