"""Names of test cases."""


def shown(value: object) -> str:
    """Return a value as the id of a case, in printable ASCII without backslashes.

    pytest escapes anything else, once more each time that it collects a module in one process. mutmut does so, and
    calls each test by the id that it had at first.
    """
    text = "".join(one if one.isascii() and one.isprintable() and one != "\\" else "?" for one in repr(value))
    return text[:40]
