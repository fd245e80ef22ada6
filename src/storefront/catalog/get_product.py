"""GET /products/{sku}."""

import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.catalog.product import sku_of
from storefront.catalog.store import ProductStore
from storefront.shared.api import Answer, Event, answer, rest_handler
from storefront.shared.aws import client

_products = ProductStore(client("dynamodb"), os.environ["PRODUCTS_TABLE"])


@rest_handler
def handler(event: Event, context: LambdaContext) -> Answer:
    """Answer with one product."""
    product = _products.get(sku_of(event["pathParameters"]["sku"]))
    return answer(HTTPStatus.OK, product.to_json(), {"ETag": product.etag})
