"""Code that is not deployed: the command line ``storefront`` and its commands."""

import sys
from pathlib import Path

# The tools read and write the application's own formats.
sys.path.extend(str(Path(__file__).resolve().parent.parent / code) for code in ("src", "sandbox"))
