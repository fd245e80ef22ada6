"""GET /orders."""

import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.identity import customer_of
from storefront.orders.order import Order
from storefront.orders.order_list import OrderList
from storefront.shared import paging
from storefront.shared.api import Answer, Event, answer, query_of, rest_handler
from storefront.shared.aws import client
from storefront.shared.configuration import secret
from storefront.shared.observability import metrics

_orders = OrderList(client("dynamodb"), os.environ["ORDERS_TABLE"])
_cursors = paging.Cursors(secret("CURSOR_SECRET_ARN"))


@rest_handler
@metrics.log_metrics
def handler(event: Event, context: LambdaContext) -> Answer:
    """Answer with a page of the caller's own orders, newest first."""
    customer = customer_of(event, os.environ["USER_POOL_CLIENT_ID"])
    query = query_of(event)
    scope = f"orders/{customer.id}"
    after = _cursors.read(scope, query["cursor"]) if "cursor" in query else None
    page = _orders.page(customer.id, paging.limit_of(query), after)
    return answer(HTTPStatus.OK, paging.to_json(page, Order.to_json, _cursors, scope))
