"""The benchmarks: ``python -m bench --help``; ``make bench`` runs them all."""

from __future__ import annotations

import argparse

from bench import broadcast
from local.stack import bypass_proxies


def main() -> None:
    """Measure what things cost, on this machine; each benchmark says what it assumes."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=main.__doc__)
    benchmarks = parser.add_subparsers(metavar="benchmark", help="(default: all, as they are)")
    broadcast.add_to(benchmarks)
    parser.set_defaults(run=lambda _: broadcast.run(parser.parse_args(["broadcast"])))
    arguments = parser.parse_args()
    bypass_proxies()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
