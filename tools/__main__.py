"""``python -m tools``: the commands of the local stack."""

from tools.console import problems_reported

if __name__ == "__main__":
    with problems_reported():
        # Here, so that an interruption of the imports, which take a second, is reported like any other.
        from tools.cli import main

        main()
