"""The catalogue: each product once, page by page, and nothing read that is not shown."""

import json
import os
from typing import Any

import boto3
import pytest

from storefront.catalog import get_product, list_products
from storefront.catalog.store import ProductStore
from storefront.shared.errors import Overloaded
from tools.testing.aws import Aws
from tools.testing.events import Context, rest_event

Answer = tuple[int, dict[str, Any]]


def list_page(**query: str) -> Answer:
    answer = list_products.handler(rest_event(query=query or None), Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


def show(sku: str) -> Answer:
    answer = get_product.handler(rest_event(path={"sku": sku}), Context())  # type: ignore[arg-type]
    return answer["statusCode"], json.loads(answer["body"])


def pages(**query: str) -> list[list[str]]:
    """Return the SKUs of all pages of a list."""
    found = []
    for _ in range(20):
        status, body = list_page(**query)
        assert status == 200
        found.append([product["sku"] for product in body["items"]])
        if "nextCursor" not in body:
            return found
        query["cursor"] = body["nextCursor"]
    pytest.fail("the pages come to no end")


def fill(aws: Aws, count: int, category: str = "kitchen") -> list[str]:
    skus = [f"{category[:3].upper()}-{number:03}" for number in range(count)]
    for sku in skus:
        aws.add_product(sku, category=category)
    return skus


@pytest.fixture
def store(aws: Aws) -> ProductStore:
    return ProductStore(aws.dynamodb, os.environ["PRODUCTS_TABLE"])


@pytest.mark.parametrize(("count", "limit"), [(0, 3), (1, 3), (3, 3), (7, 3), (7, 1), (7, 100), (25, 20)])
def test_the_pages_show_each_product_once_in_order(aws: Aws, count: int, limit: int) -> None:
    skus = fill(aws, count)

    shown = pages(limit=str(limit))

    assert [sku for page in shown for sku in page] == skus
    assert all(len(page) == limit for page in shown[:-1])


def test_a_page_has_twenty_products_unless_asked_otherwise(aws: Aws) -> None:
    fill(aws, 21)

    assert [len(page) for page in pages()] == [20, 1]


def test_a_category_shows_its_own_products_only(aws: Aws) -> None:
    kitchen = fill(aws, 5, "kitchen")
    fill(aws, 5, "garden")

    assert pages(category="kitchen", limit="2") == [kitchen[:2], kitchen[2:4], kitchen[4:]]
    assert pages(category="nothing-here") == [[]]


def test_a_product_added_behind_the_reader_does_not_repeat_or_hide_another(aws: Aws) -> None:
    # given a reader who has seen the first page
    fill(aws, 4)
    _, first = list_page(limit="2")

    # when a product appears before it, and the page's last product goes
    aws.add_product("AAA-000")
    aws.dynamodb.delete_item(TableName=os.environ["PRODUCTS_TABLE"], Key={"sku": {"S": "KIT-001"}})

    # then the next page is what it would have been
    _, second = list_page(limit="2", cursor=first["nextCursor"])
    assert [product["sku"] for product in second["items"]] == ["KIT-002", "KIT-003"]


def test_a_cursor_leads_on_under_another_address_of_the_api(aws: Aws) -> None:
    fill(aws, 3)
    _, first = list_page(limit="2")
    query = {"limit": "2", "cursor": first["nextCursor"]}
    elsewhere = rest_event(query=query, headers={"Host": "api.shop.example.com"})
    elsewhere |= {
        "path": "/products",
        "requestContext": elsewhere["requestContext"] | {"domainName": "api.shop.example.com"},
    }

    answer = list_products.handler(elsewhere, Context())  # type: ignore[arg-type]

    assert [product["sku"] for product in json.loads(answer["body"])["items"]] == ["KIT-002"]


@pytest.mark.parametrize("other", [{}, {"category": "garden"}])
def test_a_cursor_of_one_category_opens_no_other_list(aws: Aws, other: dict[str, str]) -> None:
    fill(aws, 3)
    _, page = list_page(category="kitchen", limit="1")

    status, problem = list_page(cursor=page["nextCursor"], **other)

    assert status == 400
    assert "nextCursor" in problem["detail"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "101"},
        {"limit": ""},
        {"cursor": ""},
        {"cursor": "made-up"},
        {"category": ""},
        {"category": "Kitchen"},
        {"category": "kitchen\n"},
        {"category": "a" * 33},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_asked_for_is_refused(aws: Aws, query: dict[str, str]) -> None:
    status, problem = list_page(**query)

    assert status == 400
    assert next(iter(query)) in problem["detail"]


@pytest.mark.parametrize("category", [None, "kitchen"])
def test_no_more_is_read_than_the_page_shows(aws: Aws, category: str | None) -> None:
    # given more products than a page, and a watch on what is read
    fill(aws, 10)
    fill(aws, 10, "garden")
    reads: list[tuple[int, int]] = []
    watched = boto3.client("dynamodb")
    events = watched.meta.events
    events.register("before-parameter-build.dynamodb.*", lambda params, **_: reads.append((params["Limit"], -1)))
    events.register("after-call.dynamodb.*", lambda parsed, **_: reads.append((-1, parsed["ScannedCount"])))

    # when two pages are read
    store = ProductStore(watched, "ProductsTable")
    first = store.page(category, 4, None)
    store.page(category, 4, first.last_key)

    # then each was one call, for what it shows
    assert reads == [(4, -1), (-1, 4)] * 2


def test_a_product_is_shown_with_an_exact_price(aws: Aws) -> None:
    aws.add_product("MUG-001", price=1999, name="Tasse", description="für Tee", category="kitchen", stock=3)

    assert show("MUG-001") == (
        200,
        {
            "sku": "MUG-001",
            "name": "Tasse",
            "description": "für Tee",
            "category": "kitchen",
            "price": {"amount": 1999, "currency": "EUR"},
        },
    )


def test_list_and_product_show_the_same(aws: Aws) -> None:
    aws.add_product("MUG-001")

    _, shown = show("MUG-001")
    _, everything = list_page()
    _, category = list_page(category="kitchen")

    assert everything["items"] == category["items"] == [shown]


def test_an_unknown_product_is_not_found(aws: Aws) -> None:
    status, problem = show("MUG-404")

    assert status == 404
    assert "MUG-404" not in json.dumps(problem)


@pytest.mark.parametrize(
    "sku", ["", "AB", "mug-001", "-AB", "A" * 33, "MUG 1", "MUG-001\n", "MÜG-001", "../MUG", "A" * 5000]
)
def test_what_can_be_no_sku_is_refused(aws: Aws, sku: str) -> None:
    status, problem = show(sku)

    assert status == 400
    assert "SKU" in problem["detail"]


class Answering:
    """A DynamoDB client that leaves the keys of a read unprocessed, all but the first, a number of times."""

    def __init__(self, dynamodb: Any, times: int) -> None:
        self._dynamodb = dynamodb
        self._left = times
        self.asked: list[int] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        ((table, request),) = RequestItems.items()
        keys = request["Keys"]
        self.asked.append(len(keys))
        processed = len(keys)
        if self._left > 0:
            self._left -= 1
            processed = 1
        answer: dict[str, Any] = self._dynamodb.batch_get_item(RequestItems={table: {"Keys": keys[:processed]}})
        return answer | {"UnprocessedKeys": {table: {"Keys": keys[processed:]}} if keys[processed:] else {}}


@pytest.fixture
def no_pause(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    pauses: list[float] = []
    monkeypatch.setattr("storefront.shared.dynamodb.time.sleep", pauses.append)
    return pauses


def test_products_left_unread_are_asked_for_again(aws: Aws, no_pause: list[float]) -> None:
    skus = fill(aws, 5)
    dynamodb = Answering(aws.dynamodb, times=2)

    found = ProductStore(dynamodb, os.environ["PRODUCTS_TABLE"]).get_many(skus)  # type: ignore[arg-type]

    assert sorted(found) == skus
    assert dynamodb.asked == [5, 4, 3]
    assert len(no_pause) == 2


def test_products_left_unread_again_and_again_mean_overload(aws: Aws, no_pause: list[float]) -> None:
    skus = fill(aws, 10)

    with pytest.raises(Overloaded):
        ProductStore(Answering(aws.dynamodb, times=99), os.environ["PRODUCTS_TABLE"]).get_many(skus)  # type: ignore[arg-type]

    assert len(no_pause) <= 10
    assert sum(no_pause) < 2


def test_unknown_products_are_left_out(aws: Aws, store: ProductStore) -> None:
    aws.add_product("MUG-001")

    assert store.get_many(["MUG-001", "MUG-404"]).keys() == {"MUG-001"}
