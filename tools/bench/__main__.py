"""``python -m tools.bench``; ``make bench`` runs all benchmarks and writes the report."""

from tools.bench.commands import app
from tools.console import problems_reported

if __name__ == "__main__":
    with problems_reported():
        app()
