"""POST /orders."""

import os
from datetime import timedelta
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.catalog.store import ProductStore
from storefront.identity import customer_of
from storefront.orders.acceptance import OrderIntake
from storefront.orders.order_store import OrderStore
from storefront.orders.queue import OrderQueue
from storefront.orders.request import check_idempotency_key, parse_order_request
from storefront.orders.schedule import Schedule
from storefront.orders.status import Status
from storefront.shared import clock
from storefront.shared.api import Answer, Event, answer, body_of, header_of, request_id_of, rest_handler
from storefront.shared.aws import client
from storefront.shared.observability import logger

_dynamodb = client("dynamodb")
_intake = OrderIntake(
    ProductStore(_dynamodb, os.environ["PRODUCTS_TABLE"]),
    OrderStore(_dynamodb, os.environ["ORDERS_TABLE"]),
    OrderQueue(client("sqs"), os.environ["ORDERS_QUEUE_URL"]),
    Schedule(timedelta(seconds=int(os.environ["REVIEW_AFTER_SECONDS"]))),
)


@rest_handler
def handler(event: Event, context: LambdaContext) -> Answer:
    """Accept an order; answer before it is processed."""
    customer = customer_of(event, os.environ["USER_POOL_CLIENT_ID"])
    key = check_idempotency_key(header_of(event, "Idempotency-Key"))
    request = parse_order_request(body_of(event))
    order = _intake.place_order(request, customer.id, key, request_id_of(event), clock.now())
    # A repeated request finds the order of the first, and that one's correlation id.
    logger.info("order accepted", extra={"order_id": order.key.order_id, "order_correlation_id": order.correlation_id})
    # The status at acceptance, whatever it is by now: a repeated request gets the same answer.
    body = {"orderId": order.key.order_id, "status": Status.PENDING}
    return answer(HTTPStatus.ACCEPTED, body, {"Location": _location(event, order.key.order_id)})


def _location(event: Event, order_id: str) -> str:
    """Return where the order is, relative to the address that was called: an absolute path would lose the stage."""
    # The gateway takes `/orders/` for the same route.
    return order_id if str(event.get("path")).endswith("/") else f"orders/{order_id}"
