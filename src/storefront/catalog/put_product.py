"""PUT /products/{sku}."""

import os
import uuid
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.catalog.product import Product, sku_of
from storefront.catalog.request import parse_product_request, precondition_of
from storefront.catalog.store import ProductStore
from storefront.shared.api import Answer, Event, answer, body_of, header_of, rest_handler
from storefront.shared.aws import client
from storefront.shared.observability import logger

_products = ProductStore(client("dynamodb"), os.environ["PRODUCTS_TABLE"])


@rest_handler
def handler(event: Event, context: LambdaContext) -> Answer:
    """Write a product; the gateway has checked who is calling (IAM)."""
    sku = sku_of(event["pathParameters"]["sku"])
    precondition = precondition_of(header_of(event, "If-Match"), header_of(event, "If-None-Match"))
    request = parse_product_request(body_of(event), precondition)
    product = Product(sku, request.name, request.description, request.category, request.money)
    # Not the gateway's request id: callers can choose that, and would take another's write for their own.
    write_id = uuid.uuid4().hex
    if precondition.version is None:
        written = _products.create(product, request.stock or 0, write_id)
    else:
        written = _products.change(product, precondition.version, write_id)
    logger.info("product written", extra={"sku": sku, "version": written.version})
    status = HTTPStatus.CREATED if precondition.creates else HTTPStatus.OK
    return answer(status, written.to_json(), {"ETag": written.etag})
