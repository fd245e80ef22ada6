"""Runs Storefront's template on this machine.

``environments`` installs what is needed, ``emulator`` starts an AWS emulator, ``deployment`` runs ``sam deploy``
against it, ``inside`` and ``gateway`` add to the emulator what it lacks, ``seed`` fills the shop, ``tour`` walks
through it.
"""

import sys
from pathlib import Path

# What partners are given is made by the application's own code.
sys.path.extend(str(Path(__file__).resolve().parent.parent / code) for code in ("src", "sandbox"))
