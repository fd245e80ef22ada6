"""The payment provider's events about a charge, and their effect on the order."""

from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storefront.orders import processing
from storefront.orders.order import Order, OrderKey, is_order_id
from storefront.orders.processing import OrderMovedOn
from storefront.orders.status import Status
from storefront.payments.charge import ID_PATTERN, Charge, Decision
from storefront.shared.body import without_mark
from storefront.shared.errors import InvalidRequest, NotYet, Unprocessable

CUSTOMER_PATTERN = r"^[!-~]{1,128}$"

# The provider may have words that we have never heard.
STATUS_PATTERN = r"^[A-Za-z0-9_.-]{1,64}$"

_DECISION_OF_STATUS = {"approved": Decision.APPROVED, "declined": Decision.DECLINED}


class Metadata(BaseModel):
    """The metadata that we sent with the charge, as the provider returns it."""

    model_config = ConfigDict(frozen=True)

    customerId: Annotated[str, Field(pattern=CUSTOMER_PATTERN)]  # noqa: N815 - the provider's name


class PaymentEvent(BaseModel):
    """The body of `POST /webhooks/payments`. Members that are not known here are the provider's to add."""

    model_config = ConfigDict(frozen=True)

    eventId: Annotated[str, Field(pattern=ID_PATTERN)]  # noqa: N815 - the provider's name
    chargeId: Annotated[str, Field(pattern=ID_PATTERN)]  # noqa: N815 - the provider's name
    reference: Annotated[str, Field(pattern=ID_PATTERN)]
    status: Annotated[str, Field(pattern=STATUS_PATTERN)]
    metadata: Metadata | None = None

    @property
    def decides(self) -> bool:
        """Whether its status is one that says what becomes of the order."""
        return self.status in _DECISION_OF_STATUS

    @property
    def charge(self) -> Charge:
        """The charge as it is now."""
        return Charge(self.chargeId, _DECISION_OF_STATUS[self.status])


class Orders(processing.Orders, Protocol):
    """The orders table, as payment events use it."""

    def owe_refund(self, order: Order, event_id: str) -> Order: ...  # noqa: D102


def parse_payment_event(body: bytes) -> PaymentEvent:
    """Return the event that a body holds.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where, without the input.
    """
    try:
        return PaymentEvent.model_validate_json(without_mark(body))
    except ValidationError as error:
        places = sorted({_place(finding["loc"]) for finding in error.errors()})
        # Not from the error: it repeats the input, and no traceback must.
        raise InvalidRequest(
            f"Not a payment event, because of {', '.join(places)}. `openapi.yaml` has the model."
        ) from None


def apply_payment_event(event: PaymentEvent, orders: Orders) -> Order:
    """Do to an order what an event that decides asks for; an event that comes again does nothing.

    Returns
    -------
    Order
        The order as it is now.

    Raises
    ------
    Unprocessable
        The order does not exist, or the charge is not its own.
    NotYet
        The event has overtaken our own write of what the charge was answered.
    """
    while True:
        order = _order_of(event, orders)
        try:
            return _applied(event, order, orders)
        except OrderMovedOn:
            # Somebody was faster: what the event means now depends on where the order stands now.
            continue


def _order_of(event: PaymentEvent, orders: Orders) -> Order:
    order = None
    if event.metadata and is_order_id(event.reference):
        order = orders.get(OrderKey(event.metadata.customerId, event.reference))
    if order is None or (order.charge_id and order.charge_id != event.chargeId):
        raise Unprocessable(
            "No order has this charge. Send its `chargeId`, with the `reference` and `metadata` that it was made with."
        )
    return order


def _applied(event: PaymentEvent, order: Order, orders: Orders) -> Order:
    if order.status in (Status.PENDING, Status.RESERVED):
        raise NotYet("The order does not know of its charge yet. Send the same event again in a moment.")
    if order.status is Status.AWAITING_PAYMENT:
        return processing.settle(order, event.charge, orders)
    if order.status is Status.REJECTED and event.status == "approved" and not _is_seen(event, order):
        # Money for an order that will not be delivered: the reconciler gives it back.
        return orders.owe_refund(order, event.eventId)
    return order


def _is_seen(event: PaymentEvent, order: Order) -> bool:
    return order.refund_due or order.refund_event_id == event.eventId


def _place(location: tuple[int | str, ...]) -> str:
    return "/".join(("", *map(str, location))) if location else "the body"
