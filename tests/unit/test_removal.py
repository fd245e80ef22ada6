"""`storefront remove`: the smallest thing around each name of a part goes, and nothing else."""

import pytest

from tools.checks.part import Part
from tools.checks.removal import removed_from

PART = Part("suppliers")
MODULES = {
    "import": ("from tools import suppliers, webhook\n", "from tools import webhook\n"),
    "element": ('A = ["orders", "suppliers"]\n', 'A = ["orders"]\n'),
    "element of two in a tuple": ('A = ("suppliers", "orders")\n', 'A = ("orders",)\n'),
    "last of two in a tuple": ('A = ("orders", "suppliers")\n', 'A = ("orders",)\n'),
    "case of several values": ('A = [("a", 1), ("a-supplier", 2)]\n', 'A = [("a", 1)]\n'),
    "member": ('A = {"supplier": 1, **b}\n', "A = {**b}\n"),
    "argument": ("f(1, suppliers=2)\n", "f(1)\n"),
    "parameter": ("def f(a, supplier=None, b=1):\n    pass\n", "def f(a, b=1):\n    pass\n"),
    "statement": ("def f():\n    a = 1\n    b = suppliers()\n", "def f():\n    a = 1\n"),
    "only statement": ("if a:\n    # Why\n    suppliers()\nb = 1\n", "b = 1\n"),
    "function": ("# Why\n@decorated\ndef supplier():\n    pass\n\na = 1\n", "\na = 1\n"),
    "function that returns it": ("def f():\n    a = 1\n    return suppliers(a)\n\nb = 1\n", "\nb = 1\n"),
    "test": ("def test_it():\n    a = 1\n    assert suppliers() == a\n\nb = 1\n", "\nb = 1\n"),
    "name that it has bound": ("from suppliers import issue\na = 1\nissue()\n", "a = 1\n"),
    "branch": (
        "match a:\n    case 'supplier':\n        b()\n    case _:\n        c()\n",
        "match a:\n    case _:\n        c()\n",
    ),
    "heading": ("A = {\n    # Suppliers\n    'a': 1,\n}\n", "A = {\n    'a': 1,\n}\n"),
    "sentence": (
        '"""For suppliers."""\na("See the suppliers there")\n',
        '"""For suppliers."""\na("See the suppliers there")\n',
    ),
}
TEMPLATES = {
    "block": ("A:\n  C: 1\n\n  # Why\n  SuppliersTable:\n    Type: T\n\n  B: 1\n", "A:\n  C: 1\n\n  B: 1\n"),
    "item": ("tags:\n  - name: suppliers\n    a: 1\n  - name: b\n", "tags:\n  - name: b\n"),
    "name in a list": ("A: [B, SupplierQueue, C]\n", "A: [B, C]\n"),
    "last name in a list": ("A: [B, SupplierQueue]\n", "A: [B]\n"),
    "metric": ('A:\n  [["N", "${SupplierQueue}",\n    {"a": 1}],\n   ["N"]]\n', 'A:\n  [["N"]]\n'),
    "section": ("# -----------\n# Suppliers\n\n# -----------\n# Payments\n", "# -----------\n# Payments\n"),
    "sentence": ("# For suppliers and others\nA: 1\n", "# For suppliers and others\nA: 1\n"),
}
PAGES = {
    "section": ("# A\n\n## Suppliers: tokens\n\nText.\n\n## B\n", "# A\n\n## B\n"),
    "section about something else as well": ("## Suppliers and chat\n\nText.\n", "## Suppliers and chat\n\nText.\n"),
    "row": ("|a|\n|-|\n|suppliers|\n|b|\n", "|a|\n|-|\n|b|\n"),
    "item": ("- a\n- suppliers\n  and more\n- b\n", "- a\n- b\n"),
    "command": ("```sh\nstorefront supplier issue gold\nmake up\n```\n", "```sh\nmake up\n```\n"),
    "sentence": ("Text of suppliers.\n", "Text of suppliers.\n"),
}


@pytest.mark.parametrize(("before", "after"), MODULES.values(), ids=MODULES)
def test_python_loses(before: str, after: str) -> None:
    assert removed_from(".py", before, PART) == after


@pytest.mark.parametrize(("before", "after"), TEMPLATES.values(), ids=TEMPLATES)
def test_yaml_loses(before: str, after: str) -> None:
    assert removed_from(".yaml", before, PART) == after


@pytest.mark.parametrize(("before", "after"), PAGES.values(), ids=PAGES)
def test_a_page_loses(before: str, after: str) -> None:
    assert removed_from(".md", before, PART) == after


def test_records_lose_members_and_settings_lines() -> None:
    assert removed_from(".json", '{"a": {"supplierId": 1, "b": 2}}', PART) == '{\n  "a": {\n    "b": 2\n  }\n}\n'
    assert removed_from(".toml", "a = 1\nsuppliers = 2\n", PART) == "a = 1\n"
