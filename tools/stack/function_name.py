"""A function's one name. The template has it as `PlaceOrderFunction`; every other spelling of it comes from here.

The module of its handler is `place_order`. Its log group ends in `place-order`; so are its folder of sample events and
the function itself called, wherever a tool names it. tests/template/test_function_names.py holds all of them to it.
"""

import re


def kebab_of(logical_id: str) -> str:
    """Return the name that tools and people use: `place-order` for `PlaceOrderFunction`."""
    return re.sub("(?<!^)(?=[A-Z])", "-", logical_id.removesuffix("Function")).lower()


def module_of(logical_id: str) -> str:
    """Return the name of the module, without its package: `place_order` for `PlaceOrderFunction`."""
    return kebab_of(logical_id).replace("-", "_")
