"""The partners' catalogue as XML on the running stack: every character arrives, and refusals are problems."""

import uuid
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.local.conftest import Books
from tests.local.test_refusals import check_problem
from tools.demo.api_client import ApiClient
from tools.ops.partners import caller
from tools.stack.stack import Stack

PATH = "/partner/products.xml"
NAUGHTY = [
    "<script>alert('x')</script>",
    "a & b &amp; c &#x26; &undefined;",
    "\"quoted\" and 'quoted'",
    "]]> <![CDATA[ <!-- --> <?pi?>",
    "$name ${name} #set($x = 1) #end $!x \\$ \\",
    "ü ß 漢字 👩‍👩‍👧 \U0010ffff\u2028",
]
GONE = "bell\x07 null\x00 escape\x1b not a character\ufffe\uffff"


@pytest.fixture(scope="module")
def partner(stack: Stack) -> ApiClient:
    return caller(stack, "gold")


def page(partner: ApiClient, **query: Any) -> Any:
    answer = partner.request("GET", PATH, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    return ET.fromstring(answer.content)  # noqa: S314 - our own


def everything(partner: ApiClient) -> dict[str, Any]:
    """Return all products by their SKUs, page by page."""
    found: dict[str, Any] = {}
    query: dict[str, Any] = {"limit": 100}
    while True:
        root = page(partner, **query)
        found |= {product.attrib["sku"]: product for product in root}
        if "nextCursor" not in root.attrib:
            return found
        assert root.attrib["nextCursor"] not in ("", query.get("cursor"))
        query["cursor"] = root.attrib["nextCursor"]


@pytest.fixture
def product(stack: Stack, books: Books) -> Any:
    """Puts a product with a text in its name and its description on sale, and takes it away again."""
    table, skus = stack.outputs["ProductsTableName"], []

    def sell(text: str) -> str:
        sku = f"XML-{uuid.uuid4().hex[:8].upper()}"
        skus.append(sku)
        texts = {"sku": sku, "name": text, "description": text, "category": "tests", "currency": "EUR"}
        item = {name: {"S": value} for name, value in (texts | {"listing": "all"}).items()}
        books.dynamodb.put_item(TableName=table, Item=item | {"price": {"N": "1250"}, "stock": {"N": "1"}})
        return sku

    yield sell
    for sku in skus:
        books.dynamodb.delete_item(TableName=table, Key={"sku": {"S": sku}})


def test_every_character_arrives_as_it_is(partner: ApiClient, product: Any) -> None:
    sold = {product(text): text for text in NAUGHTY}

    found = everything(partner)

    assert {sku: found[sku].findtext("name") for sku in sold} == sold
    assert {sku: found[sku].findtext("description") for sku in sold} == sold
    for sku in sold:
        price = found[sku].find("price")
        assert (price.text, price.attrib, found[sku].attrib["category"]) == ("1250", {"currency": "EUR"}, "tests")


def test_a_character_that_xml_does_not_have_is_left_out(partner: ApiClient, product: Any) -> None:
    sku = product(GONE)

    assert everything(partner)[sku].findtext("name") == "bell null escape not a character"


def test_pages_lead_through_the_catalogue(partner: ApiClient, visitor: ApiClient) -> None:
    first = page(partner, limit=2)
    second = page(partner, limit=2, cursor=first.attrib["nextCursor"])

    assert len(first) == len(second) == 2
    assert not {one.attrib["sku"] for one in first} & {one.attrib["sku"] for one in second}


@pytest.mark.parametrize("query", [{"limit": "0"}, {"limit": "'\"\\"}, {"limit": "1\n"}, {"cursor": "bWFkZSB1cA"}])
def test_a_bad_query_is_a_problem(partner: ApiClient, query: dict[str, str]) -> None:
    detail = check_problem(partner.request("GET", PATH, params=query), 400)

    assert next(iter(query)) in detail


def test_a_cursor_of_another_list_is_refused(partner: ApiClient, visitor: ApiClient) -> None:
    cursor = visitor.request("GET", "/products?limit=1").json()["nextCursor"]

    check_problem(partner.request("GET", PATH, params={"cursor": cursor}), 400)


def test_only_partners_are_let_in(visitor: ApiClient, customer: ApiClient) -> None:
    for stranger in (visitor, customer):
        check_problem(stranger.request("GET", PATH), 401)
