"""The whole order business on moto: what customers, queue and schedule do to it, and the invariant it must keep."""

import json
import os
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from storefront.catalog.store import ProductStore
from storefront.orders.acceptance import OrderIntake
from storefront.orders.order import Order, OrderKey
from storefront.orders.order_item import order_of
from storefront.orders.order_store import OrderStore
from storefront.orders.processing import process_order
from storefront.orders.queue import OrderQueue
from storefront.orders.reconciliation import reconcile_order
from storefront.orders.request import parse_order_request
from storefront.orders.review_list import ReviewList
from storefront.orders.schedule import Schedule
from storefront.orders.status import Status
from storefront.payments.provider import PaymentProvider
from storefront.shared import clock
from tests.unit.orders.books import check_books
from tools.testing.aws import PAYMENTS_SECRET, Aws

SCHEDULE = Schedule(timedelta(minutes=30))
STOCK = 100


@dataclass
class Shop:
    """One process's view of the shop: its clients can be replaced by watched or failing ones."""

    aws: Aws
    payments_url: str
    dynamodb: Any = None
    sqs: Any = None
    payments: Any = None
    products: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dynamodb = self.dynamodb or self.aws.dynamodb
        self.sqs = self.sqs or self.aws.sqs
        self.payments = self.payments or PaymentProvider(lambda: self.payments_url, lambda: PAYMENTS_SECRET)

    def watched_by(self, trigger: Any) -> "Shop":
        """Return the same shop as another process sees it, with every call to the outside watched."""
        return Shop(
            self.aws,
            self.payments_url,
            trigger.watch(self.dynamodb),
            trigger.watch(self.sqs),
            trigger.watch(self.payments),
        )

    @property
    def orders(self) -> OrderStore:
        return OrderStore(self.dynamodb, os.environ["ORDERS_TABLE"], os.environ["PRODUCTS_TABLE"])

    @property
    def reviews(self) -> ReviewList:
        return ReviewList(self.dynamodb, os.environ["ORDERS_TABLE"])

    @property
    def queue(self) -> OrderQueue:
        return OrderQueue(self.sqs, os.environ["ORDERS_QUEUE_URL"])

    def sell(self, sku: str, price: int = 1000, stock: int = STOCK) -> str:
        """Put a product on sale."""
        self.aws.add_product(sku, price=price, stock=stock)
        self.products[sku] = stock
        return sku

    def place(self, sku: str, quantity: int = 2, key: str = "key", customer: str = "customer") -> Order:
        """Do what `POST /orders` does."""
        body = json.dumps({"lines": [{"sku": sku, "quantity": quantity}]}).encode()
        intake = OrderIntake(
            ProductStore(self.dynamodb, os.environ["PRODUCTS_TABLE"]), self.orders, self.queue, SCHEDULE
        )
        return intake.place_order(parse_order_request(body), customer, key, "correlation", clock.now())

    def process(self, key: OrderKey) -> Order:
        """Do what the processor does with one message."""
        return process_order(key, self.orders, self.payments)

    def process_queue(self) -> None:
        """Process all messages in the queue."""
        for message in self.aws.messages():
            self.process(OrderKey(message["customerId"], message["orderId"]))

    def reconcile(self, *, after: timedelta = timedelta(hours=2)) -> None:
        """Do what one run of the reconciler does, some time from now."""
        now = clock.now() + after
        for order in list(self.reviews.due(now)):
            reconcile_order(order, self.orders, self.payments, self.queue, SCHEDULE, now)

    def reconcile_until_settled(self) -> None:
        """Let days pass in which no message is delivered, only the reconciler runs."""
        for day in range(1, SCHEDULE.LOOKS + 2):
            self.reconcile(after=timedelta(days=3 * day))
            self.aws.messages()

    def stored(self) -> list[Order]:
        """Return all orders."""
        return [order_of(item) for item in self.aws.orders()]

    def status(self, order: Order) -> Status:
        """Return where an order stands now."""
        return self.read(order.key).status

    def read(self, key: OrderKey) -> Order:
        """Return an order that is there."""
        order = OrderStore(self.aws.dynamodb, os.environ["ORDERS_TABLE"]).get(key)
        assert order is not None
        return order

    def check_invariant(self) -> None:
        """Check that stock and charges agree with the orders, whatever has happened to them."""
        taken = {sku: stock - self.aws.stock(sku) for sku, stock in self.products.items()}
        check_books(self.stored(), taken, self.aws.charges())
