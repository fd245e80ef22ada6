"""Releases: how traffic moves to a new version, and what a bad one costs until it is rolled back."""
