"""The checks of `make check`, and the documentation that is made from code."""
