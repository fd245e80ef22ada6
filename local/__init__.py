"""Runs Storefront's template on this machine.

``environments`` installs what is needed, ``emulator`` starts an AWS emulator, ``deployment`` runs ``sam deploy``
against it, ``repairs`` sets what the emulator leaves out, ``seed`` fills the shop, ``tour`` walks through it.
"""
