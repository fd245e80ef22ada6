"""GET /products."""

import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.catalog.product import Product, category_of
from storefront.catalog.store import ProductStore
from storefront.shared import paging
from storefront.shared.api import Answer, Event, answer, query_of, rest_handler
from storefront.shared.aws import client
from storefront.shared.configuration import secret
from storefront.shared.observability import metrics

_products = ProductStore(client("dynamodb"), os.environ["PRODUCTS_TABLE"])
_cursors = paging.Cursors(secret("CURSOR_SECRET_ARN"))


@rest_handler
@metrics.log_metrics
def handler(event: Event, context: LambdaContext) -> Answer:
    """Answer with a page of the catalogue."""
    query = query_of(event)
    category = category_of(query.get("category"))
    scope = f"products/{category or ''}"
    after = _cursors.read(scope, query["cursor"]) if "cursor" in query else None
    page = _products.page(category, paging.limit_of(query), after)
    return answer(HTTPStatus.OK, paging.to_json(page, Product.to_json, _cursors, scope))
