"""Modules that every part of the business uses."""
