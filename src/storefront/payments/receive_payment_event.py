"""POST /webhooks/payments."""

import hmac
import os
from http import HTTPStatus

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.orders.order_store import OrderStore
from storefront.payments.event import PaymentEvent, apply_payment_event, parse_payment_event
from storefront.payments.webhook_signature import content_sha256
from storefront.shared.api import Answer, Event, answer, body_of, rest_handler
from storefront.shared.aws import client
from storefront.shared.errors import Unauthenticated
from storefront.shared.observability import MetricUnit, logger, metrics

_orders = OrderStore(client("dynamodb"), os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"])


@rest_handler
@metrics.log_metrics
def handler(event: Event, context: LambdaContext) -> Answer:
    """Settle an order as the payment provider has decided."""
    body = body_of(event)
    _check_is_the_signed(body, event)
    payment_event = parse_payment_event(body)
    if not payment_event.decides:
        return _passed_over(payment_event)
    order = apply_payment_event(payment_event, _orders)
    logger.info(
        "payment event received",
        extra={
            "event_id": payment_event.eventId,
            "order_id": order.key.order_id,
            # The provider's request is another than the customer's, which all other lines about the order go by.
            "order_correlation_id": order.correlation_id,
            "status": order.status,
        },
    )
    return answer(HTTPStatus.OK, {"eventId": payment_event.eventId})


def _passed_over(payment_event: PaymentEvent) -> Answer:
    """Take an event whose word is not known here: refused, it would come again until the provider gave up on us."""
    event_id, status = payment_event.eventId, payment_event.status
    logger.warning("payment event passed over", extra={"event_id": event_id, "status": status})
    metrics.add_metric("PaymentEventsPassedOver", MetricUnit.Count, 1)
    return answer(HTTPStatus.OK, {"eventId": event_id})


def _check_is_the_signed(body: bytes, event: Event) -> None:
    """Compare the body, before anything reads it, with what the authorizer found signed: it has never seen the body."""
    signed = (event["requestContext"].get("authorizer") or {}).get("contentSha256") or ""
    if not hmac.compare_digest(content_sha256(body).encode(), str(signed).encode()):
        raise Unauthenticated("The body is not the one that was signed. Sign the SHA-256 of the bytes that you send.")
