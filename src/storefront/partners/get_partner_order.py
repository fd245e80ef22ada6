"""GET /partner/orders/{reference}."""

import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.identity import partner_id_of
from storefront.orders.order_store import OrderStore
from storefront.partners.outcome import OutcomeKey, show
from storefront.partners.outcome_store import OutcomeStore
from storefront.shared.api import Answer, Event, answer, rest_handler
from storefront.shared.aws import client

_dynamodb = client("dynamodb")
_orders = OrderStore(_dynamodb, os.environ["ORDERS_TABLE"])
_outcomes = OutcomeStore(_dynamodb, os.environ["PARTNER_ORDERS_TABLE"])


@rest_handler
def handler(event: Event, context: LambdaContext) -> Answer:
    """Answer with what became of an order that the calling partner has handed in."""
    key = OutcomeKey(partner_id_of(event), event["pathParameters"]["reference"])
    return answer(HTTPStatus.OK, show(key, _outcomes, _orders))
