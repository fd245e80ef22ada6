"""``python -m tools``: the same commands as ``storefront``."""

from tools.cli import main

if __name__ == "__main__":
    main()
