"""A function's one name: every spelling of `PlaceOrderFunction` (module, log group, folder of events) comes from here;
tests/template/test_function_names.py holds all of them to it.
"""

import re


def kebab_of(logical_id: str) -> str:
    """Return the name that tools and people use: `place-order` for `PlaceOrderFunction`."""
    return re.sub("(?<!^)(?=[A-Z])", "-", logical_id.removesuffix("Function")).lower()


def module_of(logical_id: str) -> str:
    """Return the name of the module, without its package: `place_order` for `PlaceOrderFunction`."""
    return kebab_of(logical_id).replace("-", "_")


def logical_id_of(name: str) -> str:
    """Return the name in the template: `PlaceOrderFunction` for `place-order`, or for the module `place_order`."""
    return "".join(word.title() for word in re.split("[-_]", name)) + "Function"
