"""docs/add-a-route.md, followed in a copy of the project: the tests that a step names ask for it, then pass."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import requests

from tests.support.checkout import Checkout
from tools.stack.stack import ROOT

PAGE = (ROOT / "docs/add-a-route.md").read_text()
STEPS = dict(re.findall(r"^\d+\. \*\*(.*?)\.\*\*(.*?)(?=^\d+\. |^The named tests,)", PAGE, re.MULTILINE | re.DOTALL))
RENAMED = {"GetProduct": "GetPrice", "getProduct": "getPrice", "get_product": "get_price", "get-product": "get-price"}


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a part of the page, as they are typed."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", text, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


class Project:
    """The files of a copy, as a person changes them in an editor."""

    def __init__(self, checkout: Checkout) -> None:
        self._directory = checkout.directory
        self.run = checkout.run

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self._directory / file
        before = path.read_text()
        path.write_text(change(before))
        assert path.read_text() != before, file

    def copy_block(self, file: str, first: str, end: str, **others: str) -> None:
        """Copy what stands between two lines to the place behind it, with the new function's names."""

        def change(text: str) -> str:
            begin = text.index(first)
            stop = text.index(end, begin)
            block = text[begin:stop]
            for old, new in {**RENAMED, **others}.items():
                block = block.replace(old, new)
            return text[:stop] + block + text[stop:]

        self.edit(file, change)

    def contract(self) -> None:
        path, get, put, options = "  /products/{sku}:\n", "    get:\n", "    put:\n", "    options:\n"

        def change(text: str) -> str:
            begin = text.index(path)
            stop = text.index("\n  /orders:\n", begin)
            whole = text[begin:stop]
            block = whole[: whole.index(put)] + whole[whole.index(options) :]
            assert get in block
            block = block.replace(path, "  /products/{sku}/price:\n").replace(",PUT'", "'")
            block = block.replace("getProduct", "getPrice").replace("GetProduct", "GetPrice")
            block = block.replace("schemas/Product", "schemas/Money")
            block = re.sub(r" +(cacheKeyParameters|cacheNamespace): .*\n", "", block)
            block = re.sub(r" +ETag:\n +description: .*\n +schema: .*\n", "", block)
            return text[:stop] + "\n" + block + text[stop:]

        self.edit("openapi.yaml", change)

    def function(self) -> None:
        self.copy_block(
            "template.yaml",
            "  GetProductFunction:\n",
            "  PutProductFunction:\n",
            **{
                "GET /products/{sku}": "GET /products/{sku}/price",
                "GET/products/*": "GET/products/*/price",
                "  GetPriceFunction:\n    Type: AWS::Serverless::Function\n": "  GetPriceFunction:\n"
                "    Type: AWS::Serverless::Function\n    DependsOn: ListOrdersFunctionAliaslive\n",
                "SourceArn: !Sub arn": "SourceArn: !Sub\n        arn",
            },
        )

        smoke_tested = ",\n        Hooks: {PostTraffic: !Ref PostTrafficHookFunction}}\n"
        self.edit(
            "template.yaml",
            lambda text: text.replace(f"!Ref GetPriceAliasAlarm]{smoke_tested}", "!Ref GetPriceAliasAlarm]}\n"),
        )
        reserved = " +# Anyone may call it. The bound .*\n +ReservedConcurrentExecutions: .*\n"
        self.edit("template.yaml", lambda text: re.sub(f"(Handler: \\S*get_price.handler\n){reserved}", r"\1", text))

    def two_lists(self) -> None:
        self.edit(
            "template.yaml", lambda text: text.replace("GetProduct, PutProduct,", "GetProduct, GetPrice, PutProduct,")
        )
        self.copy_block("template.yaml", "    GetProduct: {Log", "    PutProduct: {Log")

    def handler(self) -> None:
        (code,) = blocks(STEPS["Handler"], "python")
        (file,) = re.findall(r"`(src/\S+\.py)`", STEPS["Handler"])
        (self._directory / file).write_text(code)

    def probe(self) -> None:
        first, end = '    "storefront.catalog.get_product', '    "storefront.catalog.put_product'
        self.copy_block("src/storefront/rollout/probes.py", first, end)

    def events(self) -> None:
        for script in blocks(STEPS["Events"], "sh"):
            self.run(script)
        for path in (self._directory / "events" / "get-price").glob("*.expected.json"):
            expected = json.loads(path.read_text())
            if expected["answer"]["statusCode"] == 200:
                del expected["answer"]["headers"]["ETag"]
                expected["answer"]["body"]["$json"] = expected["answer"]["body"]["$json"]["price"]
                path.write_text(json.dumps(expected, indent=2))

    def identity(self) -> None:
        self.copy_block("tests/template/test_identity.py", '    "GetProduct",\n', '    "JoinRoom",\n')

    def bound(self) -> None:
        self.copy_block("tools/bench/bounds.toml", "get-product = ", "join-room = ")

    def limits(self) -> None:
        turns = "max(turn(function) for function in RELEASED) == "
        self.edit("tests/template/test_releases.py", lambda text: text.replace(f"{turns}3", f"{turns}4"))
        self.edit(
            "tests/template/test_budgets.py", lambda text: text.replace("assert 40 * versions", "assert 39 * versions")
        )

    def calls(self) -> None:
        """Write what `storefront calls` records in a run of all unit tests, which takes minutes; then the tables."""

        def change(text: str) -> str:
            recorded = json.loads(text)
            recorded["GetPriceFunction"] = recorded["GetProductFunction"]
            return json.dumps(recorded, indent=2, sort_keys=True)

        self.edit("tests/calls.json", change)
        self.run("storefront docs")

    def nothing(self) -> None:
        """A step that only runs or looks."""


ACTIONS: dict[str, Callable[[Project], None]] = {
    "Contract": Project.contract,
    "Function": Project.function,
    "Two lists": Project.two_lists,
    "Handler": Project.handler,
    "Probe": Project.probe,
    "Events": Project.events,
    "Identity": Project.identity,
    "Bound": Project.bound,
    "Limits": Project.limits,
    "Calls": Project.calls,
    "Try it": Project.nothing,
    "Release": Project.nothing,
}
# These ask for a step; the others that it names hold in any case.
ASK = ("Two lists", "Probe", "Events", "Identity", "Bound")


def test_a_route_that_is_added_step_by_step_is_tested_and_answers(tmp_path: Path) -> None:
    checkout = Checkout.of(tmp_path / "copy")
    project = Project(checkout)
    assert list(STEPS) == list(ACTIONS)

    # The tests ask for what is left to do
    for step in ("Contract", "Function"):
        ACTIONS[step](project)
    refused = checkout.ended("storefront up --port 0")
    assert refused.returncode == 1
    assert "GetPriceRole is not in Resources" in refused.stderr
    failed = checkout.ended(".venv/bin/python -m pytest -q -x tests/template/test_function_lists.py").stdout
    assert "FAILED tests/template/test_function_lists.py" in failed
    for step in ("Two lists", "Handler"):
        ACTIONS[step](project)
    asking = {file for step in ASK[1:] for file in re.findall(r"`(tests/\S+\.py)`", STEPS[step])}
    asking -= {"tests/unit/test_events.py"}  # replays what there is
    failed = checkout.ended(f".venv/bin/python -m pytest -q {' '.join(sorted(asking))}").stdout
    assert {file for file in asking if f"FAILED {file}" in failed} == asking

    # When all is done, the page's tests pass
    for action in list(ACTIONS.values())[4:]:
        action(project)
    (named,) = blocks(PAGE[PAGE.index("The named tests,") :], "sh")
    checkout.run(named)

    # And the route answers on the local stack
    try:
        checkout.run("make up", STOREFRONT_PORT="0")
        stack = json.loads((checkout.directory / ".local" / "stack.json").read_text())
        answer = requests.get(f"{stack['outputs']['RestApiUrl']}/products/MUG-001/price", timeout=30)
        assert (answer.status_code, answer.json()) == (200, {"amount": 1400, "currency": "EUR"})
    finally:
        checkout.run("make down")
