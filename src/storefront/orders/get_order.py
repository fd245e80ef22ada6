"""GET /orders/{orderId}."""

import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.identity import customer_of
from storefront.orders.order import OrderKey
from storefront.orders.order_store import OrderStore
from storefront.shared.api import Answer, Event, answer, rest_handler
from storefront.shared.aws import client

_orders = OrderStore(client("dynamodb"), os.environ["ORDERS_TABLE"])


@rest_handler
def handler(event: Event, context: LambdaContext) -> Answer:
    """Answer with one of the caller's own orders."""
    customer = customer_of(event, os.environ["USER_POOL_CLIENT_ID"])
    order = _orders.get_own(OrderKey(customer.id, event["pathParameters"]["orderId"]))
    return answer(HTTPStatus.OK, order.to_json())
