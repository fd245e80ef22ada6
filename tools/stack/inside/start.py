"""Starts the emulator with the replacements; run by the emulator's Python as a file."""

import sys
from pathlib import Path

# Appended: the emulator's own packages come first, and the functions' processes do not inherit it.
sys.path.append(str(Path(__file__).resolve().parents[3]))

from ministack.app import main

from tools.stack.inside.replaced import install

if __name__ == "__main__":
    install()
    main()
