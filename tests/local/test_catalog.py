"""The catalogue through the gateway."""

from payments.behaviour import BEHAVIOURS
from tools.demo.api_client import ApiClient


def test_pages_list_every_product_once_in_the_order_of_their_skus(visitor: ApiClient) -> None:
    skus: list[str] = []
    query = "limit=7"
    while True:
        page = visitor.request("GET", f"/products?{query}").json()
        skus += [product["sku"] for product in page["items"]]
        if "nextCursor" not in page:
            break
        query = f"limit=7&cursor={page['nextCursor']}"

    assert skus == sorted(set(skus))
    assert len(skus) >= 24


def test_a_category_lists_its_products_only(visitor: ApiClient) -> None:
    products = visitor.request("GET", "/products?category=payment-tests&limit=100").json()["items"]

    assert {product["category"] for product in products} == {"payment-tests"}
    assert {product["sku"] for product in products} == {behaviour.sku for behaviour in BEHAVIOURS.values()}


def test_a_product_shows_its_price_in_minor_units(visitor: ApiClient) -> None:
    product = visitor.request("GET", "/products/PAY-DECLINED").json()

    assert product["price"] == {"amount": 1001, "currency": "EUR"}


def test_a_cursor_of_one_category_opens_no_other_list(visitor: ApiClient) -> None:
    cursor = visitor.request("GET", "/products?category=payment-tests&limit=1").json()["nextCursor"]

    assert visitor.request("GET", f"/products?limit=1&cursor={cursor}").status_code == 400
