"""The rules that hold at any time of any history, and those that hold in the end."""

from collections import defaultdict
from http import HTTPStatus

from storefront.identity import customer_id_of
from storefront.orders.order import Order, OrderKey
from storefront.orders.status import Status
from tests.unit.histories.world import World
from tests.unit.orders.books import check_books

# To a customer's order; none where the function was killed
_ANSWERS = (HTTPStatus.ACCEPTED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE, 0)
_EVENTS_OF = {
    Status.CONFIRMED: ["OrderConfirmed"],
    Status.REJECTED: ["OrderRejected"],
    Status.REFUNDED: ["OrderConfirmed", "OrderRefunded"],
    Status.REFUND_FAILED: ["OrderConfirmed"],
}


def check_at_any_time(world: World) -> None:
    """Check the books, and that no order that was accepted is missing."""
    orders = world.orders
    check_books(orders.values(), world.taken, world.charges)
    assert all(stock >= 0 for stock in world.stock.values()), "more was sold than there was"
    accepted = {request.order_id for request in world.requests if request.order_id}
    assert accepted <= {key.order_id for key in orders}, "an order was accepted, and is not there"


def check_in_the_end(world: World) -> None:
    """Check that everything has been dealt with, and everybody has been told the truth."""
    assert world.is_calm, "something is left to do"
    orders = world.orders
    assert all(order.status in _EVENTS_OF for order in orders.values()), "accepted = confirmed + rejected + unsettled"
    _check_requests(world, orders)
    _check_partner_outcomes(world, orders)
    _check_events(world, orders)
    _check_refunds(world, orders)


def _check_requests(world: World, orders: dict[OrderKey, Order]) -> None:
    """One order for each key that somebody has used; every answer about it was right."""
    bodies = defaultdict(list)
    for request in world.requests:
        bodies[request.sender, request.key].append(request.lines)
    for request in world.requests:
        assert request.status in _ANSWERS
        if request.order_id:
            order = orders[OrderKey(request.sender, request.order_id)]
            assert _lines(order) == request.lines, "an order is as it was accepted"
        if request.status == HTTPStatus.UNPROCESSABLE_ENTITY:
            others = [lines for lines in bodies[request.sender, request.key] if lines != request.lines]
            assert others, "refused, though nobody has used the key for another order"
    accepted = {(request.sender, request.key, request.order_id) for request in world.requests if request.order_id}
    assert len(accepted) == len({one[:2] for one in accepted}), "one order for each key"
    assert len(accepted) == len({order_id for _, _, order_id in accepted}), "and for no other"


def _check_partner_outcomes(world: World, orders: dict[OrderKey, Order]) -> None:
    """Everything that a partner has handed in has an outcome: its order, if anything under its reference can be one."""
    handed_in = defaultdict(list)
    for request in world.requests:
        if request.partner:
            handed_in[request.partner, request.key].append(request.lines)
    made = 0
    for (partner, reference), bodies in handed_in.items():
        status, outcome = world.partner_outcome(partner, reference)
        assert status == HTTPStatus.OK, "everything that was handed in has an outcome"
        if any(bodies):
            made += 1
            order = orders[OrderKey(customer_id_of(partner), outcome["orderId"])]
            assert _lines(order) in bodies, "the order is one that was handed in under this reference"
            assert outcome["status"] == order.status, "its partner sees where it stands"
        else:
            assert outcome["status"] == "REFUSED"
        if "detail" in outcome:
            assert not all(body == bodies[0] != {} for body in bodies), "refused, though nothing was wrong"
    assert made == sum(key.customer_id.startswith("partner/") for key in orders), "one order a reference"


def _check_events(world: World, orders: dict[OrderKey, Order]) -> None:
    """Acceptance and outcome of each order are published, each with the order's version then."""
    told: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for event_type, detail in world.bus.events:
        version = told[detail["orderId"]].setdefault(detail["version"], event_type)
        assert version == event_type, "one version, one event"
    for order in orders.values():
        events = told.pop(order.key.order_id)
        assert [events[version] for version in sorted(events)] == ["OrderAccepted", *_EVENTS_OF[order.status]]
    assert not told, "an event about no order"


def _check_refunds(world: World, orders: dict[OrderKey, Order]) -> None:
    """Outcomes of refunds are true, failures were put aside, and an order names a refund that was asked for."""
    for execution in world.executions.values():
        order = orders[OrderKey(execution.request["customerId"], execution.request["orderId"])]
        outcome = execution.output.get("outcome")
        assert order.status is Status.REFUNDED or outcome != "REFUNDED"
        assert execution.put_aside or execution.status != "FAILED", "a failure that nobody hears of"
        assert order.status is not Status.CONFIRMED or order.refund is None, "neither refunded nor failed"
    for order in orders.values():
        assert order.refund is None or order.refund.id in world.executions, "a refund that nobody has asked for"


def _lines(order: Order) -> dict[str, int]:
    return {line.sku: line.quantity for line in order.lines}
