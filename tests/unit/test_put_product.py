"""Edits of the catalogue: whoever has not seen the product as it is writes nothing, and nobody writes the stock."""

import json
import os
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from storefront.catalog import get_product, put_product
from storefront.catalog.product import Product
from storefront.catalog.request import Precondition, parse_product_request, precondition_of
from storefront.catalog.store import ProductStore
from storefront.shared.errors import InvalidRequest, Overloaded, PreconditionFailed, PreconditionRequired
from storefront.shared.money import Money
from tests.support.faults import aws_error
from tools.testing.aws import Aws
from tools.testing.events import Context, rest_event

CANARY = "canary"
MUG: dict[str, Any] = {
    "name": "Mug",
    "description": "für Tee",
    "category": "home",
    "price": {"amount": 1450, "currency": "CHF"},
}
Answer = tuple[int, str | None, dict[str, Any]]


def put(sku: str, body: Any = None, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    event = rest_event(path={"sku": sku}, headers=sent, body=body or MUG)
    # Each request is an invocation of its own.
    answer = put_product.handler(event, Context(aws_request_id=str(uuid.uuid4())))  # type: ignore[arg-type]
    return answer["statusCode"], answer["headers"].get("ETag"), json.loads(answer["body"])


def etag(sku: str) -> str:
    tag: str = get_product.handler(rest_event(path={"sku": sku}), Context())["headers"]["ETag"]  # type: ignore[arg-type]
    return tag


def item(aws: Aws, sku: str) -> dict[str, Any]:
    key = {"sku": {"S": sku}}
    found: dict[str, Any] = aws.dynamodb.get_item(TableName=os.environ["PRODUCTS_TABLE"], Key=key).get("Item", {})
    return found


@pytest.fixture
def store(aws: Aws) -> ProductStore:
    return ProductStore(aws.dynamodb, os.environ["PRODUCTS_TABLE"])


def test_who_has_seen_the_product_changes_it(aws: Aws) -> None:
    aws.add_product("MUG-001")
    assert etag("MUG-001") == '"0"'

    first = put("MUG-001", If_Match='"0"')
    second = put("MUG-001", MUG | {"name": "Cup"}, If_Match='"1"')

    assert first == (200, '"1"', {"sku": "MUG-001", **MUG})
    assert second == (200, '"2"', {"sku": "MUG-001", **MUG, "name": "Cup"})
    assert etag("MUG-001") == '"2"'


def test_an_edit_under_another_s_request_id_is_not_taken_for_theirs(aws: Aws) -> None:
    aws.add_product("MUG-001")

    def put_as(name: str, **headers: str) -> int:
        event = rest_event(path={"sku": "MUG-001"}, headers=headers, body=MUG | {"name": name})
        # A value that a caller can send as `X-Amzn-RequestId`
        event["requestContext"]["requestId"] = "00000000-0000-0000-0000-000000000001"
        invocation = Context(aws_request_id=str(uuid.uuid4()))
        status: int = put_product.handler(event, invocation)["statusCode"]  # type: ignore[arg-type]
        return status

    assert put_as("Cup", **{"If-Match": '"0"'}) == 200
    assert put_as("Glass", **{"If-Match": '"0"'}) == 412
    assert item(aws, "MUG-001")["name"] == {"S": "Cup"}


def test_an_edit_leaves_alone_what_is_not_the_catalogue_s(aws: Aws) -> None:
    # given a product that sells, is listed apart, and carries what a later version of the code has written
    aws.add_product("MUG-001", stock=7, listing="apart", later="unknown here")

    put("MUG-001", If_Match='"0"')

    left = item(aws, "MUG-001")
    assert (left["stock"], left["listing"], left["later"]) == ({"N": "7"}, {"S": "apart"}, {"S": "unknown here"})
    assert (left["price"], left["currency"], left["category"]) == ({"N": "1450"}, {"S": "CHF"}, {"S": "home"})


@pytest.mark.parametrize("seen", ['"0"', '"2"', '"11"', '"x"', '""', 'W/"1"'])
def test_who_has_seen_another_version_writes_nothing(aws: Aws, seen: str) -> None:
    aws.add_product("MUG-001", version=1)
    before = item(aws, "MUG-001")

    status, tag, problem = put("MUG-001", If_Match=seen)

    assert (status, tag) == (412, None)
    assert "`GET`" in problem["detail"]
    assert item(aws, "MUG-001") == before


def test_a_product_that_there_is_not_cannot_be_changed(aws: Aws) -> None:
    assert put("MUG-404", If_Match='"0"')[0] == 412
    assert item(aws, "MUG-404") == {}


def test_of_two_editors_who_have_seen_the_same_one_wins(aws: Aws) -> None:
    aws.add_product("MUG-001")

    statuses = [put("MUG-001", MUG | {"name": name}, If_Match='"0"')[0] for name in ("first", "second")]

    assert statuses == [200, 412]
    assert item(aws, "MUG-001")["name"] == {"S": "first"}


def test_without_a_condition_nothing_is_written(aws: Aws) -> None:
    aws.add_product("MUG-001")

    status, _, problem = put("MUG-001")

    assert status == 428
    assert "If-Match" in problem["detail"]
    assert item(aws, "MUG-001")["version" if "version" in item(aws, "MUG-001") else "price"] == {"N": "1000"}


@pytest.mark.parametrize(("given", "stock"), [({}, "0"), ({"stock": 0}, "0"), ({"stock": 12}, "12")])
def test_a_new_product_is_listed_with_its_stock(aws: Aws, given: dict[str, int], stock: str) -> None:
    status, tag, body = put("NEW-001", MUG | given, If_None_Match="*")

    assert (status, tag, body) == (201, '"1"', {"sku": "NEW-001", **MUG})
    assert item(aws, "NEW-001")["stock"] == {"N": stock}
    assert item(aws, "NEW-001")["listing"] == {"S": "all"}


def test_a_new_product_replaces_none(aws: Aws) -> None:
    aws.add_product("MUG-001", stock=7)
    before = item(aws, "MUG-001")

    status, _, problem = put("MUG-001", MUG | {"stock": 9}, If_None_Match="*")

    assert status == 412
    assert "If-Match" in problem["detail"]
    assert item(aws, "MUG-001") == before


def test_an_edit_that_names_the_stock_is_refused(aws: Aws) -> None:
    aws.add_product("MUG-001", stock=7)

    status, _, problem = put("MUG-001", MUG | {"stock": 9}, If_Match='"0"')

    assert (status, aws.stock("MUG-001")) == (400, 7)
    assert "/stock" in problem["detail"]


def test_what_can_be_no_sku_is_refused(aws: Aws) -> None:
    assert put("mug", If_Match='"0"')[0] == 400


def test_a_sale_is_no_edit(aws: Aws) -> None:
    aws.add_product("MUG-001")
    aws.dynamodb.update_item(
        TableName=os.environ["PRODUCTS_TABLE"],
        Key={"sku": {"S": "MUG-001"}},
        UpdateExpression="ADD stock :change",
        ExpressionAttributeValues={":change": {"N": "-1"}},
    )

    assert put("MUG-001", If_Match='"0"')[0] == 200
    assert aws.stock("MUG-001") == 99


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "refusal"),
    [
        (None, None, PreconditionRequired),
        ("*", None, InvalidRequest),
        ("0", None, InvalidRequest),
        ("", None, InvalidRequest),
        ('"0', None, InvalidRequest),
        ('"0", "1"', None, InvalidRequest),
        ('"0"\n', None, InvalidRequest),
        ('"0"', "*", InvalidRequest),
        (None, '"0"', InvalidRequest),
        (None, "", InvalidRequest),
        (None, "* ", InvalidRequest),
        ('W/"0"', None, PreconditionFailed),
        ('"00"', None, PreconditionFailed),
        ('"-1"', None, PreconditionFailed),
        ('"+1"', None, PreconditionFailed),
        ('"1e3"', None, PreconditionFailed),
        ('"' + "9" * 5000 + '"', None, PreconditionFailed),
    ],
)
def test_a_condition_that_is_none_is_refused(
    if_match: str | None, if_none_match: str | None, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        precondition_of(if_match, if_none_match)


def test_an_entity_tag_names_a_version() -> None:
    assert precondition_of('"0"', None) == Precondition(0)
    assert precondition_of('"1234"', None) == Precondition(1234)
    assert precondition_of(None, "*") == Precondition(None)
    assert not precondition_of('"0"', None).creates
    assert precondition_of(None, "*").creates


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"name": ""}, "/name: "),
        ({"name": "n" * 121}, "/name: "),
        ({"name": f"{CANARY}\n"}, "/name: "),
        ({"name": f"\x00{CANARY}"}, "/name: "),
        ({"name": None}, "/name: "),
        ({"description": "d" * 2001}, "/description: "),
        ({"description": f"{CANARY}\x1b[31m"}, "/description: "),
        ({"category": CANARY.upper()}, "/category: "),
        ({"category": ""}, "/category: "),
        ({"price": 12}, "/price: "),
        ({"price": {"amount": 0, "currency": "EUR"}}, "/price/amount: "),
        ({"price": {"amount": -1, "currency": "EUR"}}, "/price/amount: "),
        ({"price": {"amount": 10**9 + 1, "currency": "EUR"}}, "/price/amount: "),
        ({"price": {"amount": 1.5, "currency": "EUR"}}, "/price/amount: "),
        ({"price": {"amount": "1", "currency": "EUR"}}, "/price/amount: "),
        ({"price": {"amount": True, "currency": "EUR"}}, "/price/amount: "),
        ({"price": {"amount": 1, "currency": CANARY}}, "/price/currency: "),
        ({"price": {"amount": 1, "currency": "EURO"}}, "/price/currency: "),
        ({"price": {"amount": 1}}, "/price/currency: "),
        ({"price": {"amount": 1, "currency": "EUR", CANARY: 1}}, "/price: "),
        ({"stock": -1}, "/stock: "),
        ({"stock": 10**9 + 1}, "/stock: "),
        ({"stock": "1"}, "/stock: "),
        ({CANARY: CANARY}, "the body: "),
        ({"sku": "MUG-002"}, "the body: "),
        ({"version": 7}, "the body: "),
    ],
    ids=str,
)
def test_a_mistake_is_named_by_its_place_and_not_repeated(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        parse_product_request(json.dumps(MUG | change).encode(), Precondition(None))

    assert place in refusal.value.detail
    assert CANARY not in refusal.value.detail.lower()


def test_what_is_no_json_is_refused_and_many_mistakes_are_counted() -> None:
    with pytest.raises(InvalidRequest, match="not valid JSON"):
        parse_product_request(b"{canary", Precondition(0))
    with pytest.raises(InvalidRequest, match="and 2 more"):
        parse_product_request(json.dumps({str(number): 1 for number in range(3)}).encode(), Precondition(0))


@pytest.mark.parametrize("amount", [1, 10**9])
def test_a_product_at_its_limits_is_taken(amount: int) -> None:
    body = {
        "name": "n" * 120,
        "description": "d" * 2000,
        "category": "c" * 32,
        "price": {"amount": amount, "currency": "JPY"},
        "stock": 10**9,
    }

    request = parse_product_request(json.dumps(body).encode(), Precondition(None))

    assert request.money == Money(amount, "JPY")


class Losing:
    """A DynamoDB client whose first writes fail, or succeed and lose the answer."""

    def __init__(self, dynamodb: Any, *failures: ClientError | str) -> None:
        self._dynamodb = dynamodb
        self._failures = list(failures)
        self.calls = 0

    def update_item(self, **request: Any) -> Any:
        self.calls += 1
        failure = self._failures.pop(0) if self._failures else None
        if isinstance(failure, ClientError):
            raise failure
        answer = self._dynamodb.update_item(**request)
        # botocore sends the same request again
        return self._dynamodb.update_item(**request) if failure == "lost" else answer


PRODUCT = Product("MUG-001", "Mug", "", "home", Money(1, "EUR"))


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr("storefront.shared.dynamodb.time.sleep", found.append)
    return found


def test_a_write_whose_answer_got_lost_is_not_taken_for_another_editor_s(aws: Aws) -> None:
    aws.add_product("MUG-001")
    lossy = ProductStore(Losing(aws.dynamodb, "lost", "lost"), "ProductsTable")  # type: ignore[arg-type]

    assert lossy.change(PRODUCT, 0, "one").version == 1
    assert lossy.create(Product("NEW-001", "", "", "home", Money(1, "EUR")), 3, "two").version == 1

    with pytest.raises(PreconditionFailed):
        lossy.change(PRODUCT, 0, "another")


def test_an_edit_that_meets_an_order_is_made_a_moment_later(aws: Aws, pauses: list[float]) -> None:
    aws.add_product("MUG-001")
    busy = Losing(aws.dynamodb, *[aws_error("TransactionConflictException")] * 2)

    written = ProductStore(busy, "ProductsTable").change(PRODUCT, 0, "id")  # type: ignore[arg-type]

    assert (written.version, busy.calls, len(pauses)) == (1, 3, 2)


def test_an_edit_that_meets_orders_again_and_again_means_overload(aws: Aws, pauses: list[float]) -> None:
    busy = Losing(aws.dynamodb, *[aws_error("TransactionConflictException")] * 99)

    with pytest.raises(Overloaded):
        ProductStore(busy, "ProductsTable").change(PRODUCT, 0, "id")  # type: ignore[arg-type]

    assert sum(pauses) < 2


def test_another_failure_is_passed_on(aws: Aws) -> None:
    failing = Losing(aws.dynamodb, aws_error("AccessDeniedException"))

    with pytest.raises(ClientError):
        ProductStore(failing, "ProductsTable").change(PRODUCT, 0, "id")  # type: ignore[arg-type]

    assert failing.calls == 1


def test_a_write_and_an_order_do_not_share_an_attribute(aws: Aws) -> None:
    aws.add_product("MUG-001")
    before = item(aws, "MUG-001")
    put("MUG-001", If_Match='"0"')
    after = item(aws, "MUG-001")

    changed = {name for name in after if after[name] != before.get(name)}

    assert changed <= {"name", "description", "category", "price", "currency", "version", "writeId"}
