"""Scanners that need more than a Python environment, and the settings of those that do not."""
