"""Runs in the emulator's own process, on its own Python: it imports no code of Storefront from outside this package.

``start`` puts functions of this package in the place of the emulator's, all of which ``replaced`` lists, and starts it.
"""
