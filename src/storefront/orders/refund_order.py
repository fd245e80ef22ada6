"""The tasks of the state machine in refund.asl.json, each by its name."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.orders import refunding
from storefront.orders.order import OrderKey, Refund
from storefront.orders.order_store import OrderStore
from storefront.payments.charge import PaymentUnresolved
from storefront.payments.provider import PaymentProvider
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.configuration import parameter, secret
from storefront.shared.faults import count_fault_in
from storefront.shared.observability import logger
from storefront.shared.text import cleaned, normalized

_orders = OrderStore(client("dynamodb"), os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"])
_payments = PaymentProvider(parameter("PAYMENTS_URL_PARAMETER"), secret("PAYMENTS_SECRET_ARN"))

_TASKS = {
    "claim": lambda key, refund: refunding.claim(key, refund, _orders, clock.now()),
    "give money back": lambda key, refund: refunding.give_money_back(key, refund, _orders, _payments),
    "complete": lambda key, refund: refunding.complete(key, refund, _orders),
    "fail": lambda key, refund: refunding.fail(key, refund, _orders),
}


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do one task of an execution; what it raises, the machine tries again, and then fails the refund."""
    request = event["request"]
    logger.set_correlation_id(request["correlationId"])
    key = OrderKey(request["customerId"], request["orderId"])
    refund = Refund(event["refundId"], request["by"], cleaned(normalized(request["reason"])))
    try:
        outcome = _TASKS[event["task"]](key, refund)
    except PaymentUnresolved:
        raise
    except Exception as error:
        count_fault_in(error)
        raise
    logger.info(
        "refund task done",
        extra={"task": event["task"], "order_id": key.order_id, "refund_id": refund.id, "outcome": outcome},
    )
    return {"outcome": outcome}
