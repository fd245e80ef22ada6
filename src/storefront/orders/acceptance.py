"""Accepting an order: priced, written once, and handed to the queue."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

from storefront.catalog.product import Product
from storefront.orders.order import Line, Order, OrderKey, order_id_of
from storefront.orders.request import OrderRequest
from storefront.orders.schedule import Schedule
from storefront.orders.status import Status
from storefront.shared.errors import Unprocessable


class Products(Protocol):
    """Where prices come from."""

    def get_many(self, skus: Iterable[str]) -> Mapping[str, Product]: ...  # noqa: D102


class Orders(Protocol):
    """Where accepted orders are kept."""

    def get(self, key: OrderKey) -> Order | None: ...  # noqa: D102
    def accept(self, order: Order) -> Order: ...  # noqa: D102


class Queue(Protocol):
    """The queue that takes an order to the processor."""

    def send(self, order: Order) -> None: ...  # noqa: D102


class OrderIntake:
    """Takes orders in, whichever way they come.

    Parameters
    ----------
    products, orders, queue
        The catalogue, the orders table and the queue to the processor.
    schedule
        When the reconciler looks at an order that does not settle.
    """

    def __init__(self, products: Products, orders: Orders, queue: Queue, schedule: Schedule) -> None:
        self._products = products
        self._orders = orders
        self._queue = queue
        self._schedule = schedule

    def place_order(
        self, request: OrderRequest, customer_id: str, idempotency_key: str, correlation_id: str, now: datetime
    ) -> Order:
        """Accept an order, or find the one that an earlier, equal request made.

        The order is written before it is sent: a crash in between leaves a `PENDING` order, which the same request
        repeated, or the reconciler, sends. An order that is still `PENDING` is sent again at each repetition, since a
        second message does no harm.

        Returns
        -------
        Order
            The order, as it was stored by this request or by the first.

        Raises
        ------
        Unprocessable
            A product is not in the catalogue, the products have different currencies, or the idempotency key was
            used for another order.
        """
        key = OrderKey(customer_id, order_id_of(customer_id, idempotency_key))
        try:
            lines = self._price(request)
        except Unprocessable:
            # A repeated request is answered like the first, even when a product has left the catalogue since.
            order = self._orders.get(key)
            if order is None:
                raise
        else:
            order = self._orders.accept(
                Order(
                    key=key,
                    lines=lines,
                    request_hash=request.hash,
                    correlation_id=correlation_id,
                    accepted_at=now,
                    updated_at=now,
                    review_at=self._schedule.next_review(0, now),
                )
            )
        if order.request_hash != request.hash:
            raise Unprocessable(
                "This `Idempotency-Key` or `reference` was used for an order with other content. "
                "Use a new key for a new order."
            )
        if order.status is Status.PENDING:
            self._queue.send(order)
        return order

    def _price(self, request: OrderRequest) -> tuple[Line, ...]:
        quantities = request.quantities
        products = self._products.get_many(quantities)
        missing = sorted(quantities.keys() - products.keys())
        if missing:
            raise Unprocessable(f"Not in the catalogue: {', '.join(missing)}. `GET /products` lists what there is.")
        if len({products[sku].price.currency for sku in quantities}) > 1:
            raise Unprocessable("The products have prices in different currencies. Place one order for each currency.")
        return tuple(
            Line(sku, products[sku].name, quantity, products[sku].price) for sku, quantity in quantities.items()
        )
