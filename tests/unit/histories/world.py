"""The whole shop in memory: its real functions, what calls them, and what they call."""

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from storefront.identity import customer_id_of
from storefront.orders import place_order, process_orders, publish_order_events, reconcile_orders, refund_order
from storefront.orders.order import Order, OrderKey
from storefront.orders.order_item import order_of
from storefront.orders.status import Status
from storefront.partners import get_partner_order, process_partner_orders
from storefront.payments import receive_payment_event
from storefront.payments.webhook_signature import content_sha256
from storefront.shared import clock
from storefront.shared.aws import client
from tests.support.dynamodb import Table
from tests.support.state_machine import Execution
from tests.unit.histories.process import Fates
from tests.unit.histories.runtime import Runtime
from tests.unit.histories.services import DEAD_LETTERS, ORDERS, PARTNER_ORDERS
from tools.ops import redrive
from tools.testing.events import Context, rest_event

# Price and stock; the price decides what the payment provider does.
PRODUCTS = {"MUG-001": (1000, 3), "PAY-DECLINED": (1001, 2), "PAY-WEBHOOK": (1007, 3)}
BODIES: tuple[dict[str, int], ...] = (
    {"MUG-001": 1},
    {"MUG-001": 2},
    {"PAY-WEBHOOK": 1},
    {"MUG-001": 1, "PAY-DECLINED": 1},
    {"MUG-001": 1, "PAY-WEBHOOK": 1},
)

_PARTNER = "partner1"
_HANDLERS = {ORDERS: process_orders.handler, PARTNER_ORDERS: process_partner_orders.handler}
_CALM_ROUNDS = 8
_MOST_TRIES = 2
_REFUNDED_BY = (Status.CONFIRMED, Status.REFUND_FAILED, Status.REFUNDED)
_ALL = 1000


@dataclass(frozen=True)
class Request:
    """An order that somebody sent, and the answer."""

    sender: str
    key: str
    lines: dict[str, int]
    status: int
    order_id: str | None = None
    partner: str | None = None


class World(Runtime):
    """The shop, and everybody who does something with it: a step is one of the methods that take `fates`.

    A number chooses one of those that there are; without any, the step does nothing.
    """

    def __init__(self, looks: int) -> None:
        super().__init__(looks)
        self.requests: list[Request] = []
        self.published = 0
        self.executions: dict[str, Execution] = {}
        # The tasks that functions are at, by their executions.
        self._tasks: dict[str, int] = {}
        products = self._table("PRODUCTS_TABLE")
        for sku, (price, stock) in PRODUCTS.items():
            numbers = {"price": {"N": str(price)}, "stock": {"N": str(stock)}}
            texts = {"sku": sku, "name": sku, "description": "", "category": "kitchen", "currency": "EUR"}
            item = {name: {"S": text} for name, text in texts.items()} | numbers
            products.write(item)
        # They have been there for long: no read lags behind this.
        del products.states[:-1]

    def place(self, customer: str, key: str, body: int, fates: Fates) -> None:
        """A customer places an order: a new one, the same again, or another under the same key."""
        lines = BODIES[body]
        event = rest_event(customer=customer, headers={"Idempotency-Key": key}, body={"lines": _lines(lines)})

        def ended(answer: Any) -> None:
            order_id = json.loads(answer["body"]).get("orderId") if answer else None
            status = answer["statusCode"] if answer else 0
            self.requests.append(Request(customer, key, lines, status, order_id))

        self.start(lambda: place_order.handler(event, _CONTEXT), fates, ended)

    def hand_in_partner_order(self, reference: str, body: int | None) -> None:
        """A partner hands in an order, or a body that is none: the gateway puts it on the queue."""
        lines = {} if body is None else BODIES[body]
        attributes = {name: {"StringValue": value} for name, value in (("partnerId", _PARTNER), ("correlationId", "-"))}
        self.queues.send(PARTNER_ORDERS, json.dumps({"reference": reference, "lines": _lines(lines)}), attributes)
        self.requests.append(Request(customer_id_of(_PARTNER), reference, lines, 202, partner=_PARTNER))

    def take_in_partner_orders(self, number: int, count: int, again: bool, fates: Fates) -> None:
        """Orders of a partner are delivered: any of them, perhaps not for the last time."""
        self._deliver(PARTNER_ORDERS, number, count, again, fates)

    def process(self, number: int, count: int, again: bool, fates: Fates) -> None:
        """Orders are delivered to the processor: any of them, perhaps not for the last time."""
        self._deliver(ORDERS, number, count, again, fates)

    def _deliver(self, queue: str, first: int, count: int, again: bool, fates: Fates) -> None:
        records = self.queues.receive(queue, first, count)

        def ended(answer: Any) -> None:
            if answer and not again:
                failed = [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
                done = [record["messageId"] for record in records if record["messageId"] not in failed]
                self.queues.delete(queue, done)

        if records:
            self.start(lambda: _HANDLERS[queue]({"Records": records}, _CONTEXT), fates, ended)

    def redrive(self, number: int, fates: Fates) -> None:
        """Somebody moves a dead letter back to the queue that it comes from."""
        letters = [(queue, letter) for queue, dead in DEAD_LETTERS.items() for letter in self.queues.queues[dead]]
        if letters:
            queue, message = letters[number % len(letters)]
            letter = {"Body": message.body, "MessageAttributes": message.attributes, "ReceiptHandle": message.id}
            dead_letters = redrive.DeadLetterQueue("", DEAD_LETTERS[queue], queue)
            self.start(lambda: redrive.move(_STACK, dead_letters, [letter]), fates)

    def reconcile(self, hours: int, lag: int, fates: Fates) -> None:
        """Time passes, and the schedule calls the reconciler, whose index is some writes behind."""
        self.now += timedelta(hours=hours)
        self.index_lag = lag
        event = {"time": clock.to_text(self.now)}
        self.start(lambda: reconcile_orders.handler(event, _CONTEXT), fates)

    def decide(self, number: int, status: str) -> None:
        """The payment provider decides a charge that is pending."""
        if self.payments.pending:
            self.payments.decide(number, status)

    def notify(self, number: int, again: bool, fates: Fates) -> None:
        """The provider sends an event: any of them, early or late, again unless it is answered 200, or even then."""
        if not self.payments.events:
            return
        told = self.payments.events[number % len(self.payments.events)]
        body = json.dumps(told)
        signed = {"contentSha256": content_sha256(body.encode())}
        event = rest_event(body=body, authorizer=signed)

        def ended(answer: Any) -> None:
            if answer and answer["statusCode"] == 200 and not again and told in self.payments.events:
                self.payments.events.remove(told)

        self.start(lambda: receive_payment_event.handler(event, _CONTEXT), fates, ended)

    def ask_for_refund(self, number: int, key: str) -> None:
        """Support asks for a refund; the name of an execution is taken once."""
        orders = [order for order in self.orders.values() if order.status in _REFUNDED_BY] or [*self.orders.values()]
        if orders:
            order = orders[number % len(orders)]
            request = {"orderId": order.key.order_id, "customerId": order.key.customer_id, "reason": "-", "by": "-"}
            name = f"{order.key.order_id}-{key}"
            self.executions.setdefault(name, Execution(name, request | {"correlationId": "-"}, _MOST_TRIES))

    def refund(self, number: int, lost: bool, fates: Fates) -> None:
        """An execution does its next task, or the one that has run out of time again; its answer may be lost."""
        if not self.running:
            return
        execution = self.running[number % len(self.running)]
        if self._tasks.get(execution.name) == execution.attempts:
            execution.ended(None)
        if execution.status != "RUNNING":
            return
        attempt = self._tasks[execution.name] = execution.attempts
        event = execution.event

        def ended(answer: Any) -> None:
            if execution.attempts == attempt:
                execution.ended(None if lost else answer)

        self.start(lambda: refund_order.handler(event, _CONTEXT), fates, ended)

    def stop_refund(self, number: int) -> None:
        """An execution runs out of time, or somebody stops it."""
        if self.running:
            self.running[number % len(self.running)].stop()

    def lose(self, number: int) -> None:
        """The provider gives up sending an event."""
        if self.payments.events:
            del self.payments.events[number % len(self.payments.events)]

    def publish(self, count: int, again: bool, fates: Fates) -> None:
        """The stream delivers the next changes of orders, perhaps not for the last time."""
        start, records = self.published, self.unpublished[:count]

        def ended(answer: Any) -> None:
            if answer and not again:
                failures = answer["batchItemFailures"]
                end = int(failures[0]["itemIdentifier"]) if failures else start + len(records)
                self.published = max(self.published, end)

        if records:
            self.start(lambda: publish_order_events.handler({"Records": records}, _CONTEXT), fates, ended)

    def partner_outcome(self, partner: str, reference: str) -> tuple[int, dict[str, Any]]:
        """Let a partner ask what became of an order."""
        event = rest_event(partner=partner, path={"reference": reference})
        answers: list[Any] = []
        self.start(lambda: get_partner_order.handler(event, _CONTEXT), {}, answers.append)
        return answers[0]["statusCode"], json.loads(answers[0]["body"])

    def calm_down(self) -> None:
        """Kill what is held, and let days pass in which everything works."""
        self.kill_held()
        rounds = 0
        while not self.is_calm and rounds < _CALM_ROUNDS:
            rounds += 1
            # Orders do without their dead letters, since the reconciler finds them.
            self.queues.queues[DEAD_LETTERS[ORDERS]].clear()
            # A partner's order has nothing else.
            while self.queues.queues[DEAD_LETTERS[PARTNER_ORDERS]]:
                self.redrive(0, {})
            for queue in (PARTNER_ORDERS, ORDERS):
                self._deliver(queue, 0, _ALL, False, {})
            for number in reversed(range(len(self.payments.events))):
                self.notify(number, False, {})
            while self.running:
                self.refund(0, False, {})
            self.reconcile(72, 0, {})
            self.publish(_ALL, False, {})

    @property
    def running(self) -> list[Execution]:
        """The executions that have not ended."""
        return [execution for execution in self.executions.values() if execution.status == "RUNNING"]

    @property
    def orders(self) -> dict[OrderKey, Order]:
        """All orders."""
        return {order.key: order for order in map(order_of, self._table("ORDERS_TABLE").items().values())}

    @property
    def stock(self) -> dict[str, int]:
        """How many of each product are left."""
        return {sku: int(item["stock"]["N"]) for (sku,), item in self._table("PRODUCTS_TABLE").items().items()}

    @property
    def taken(self) -> dict[str, int]:
        """How many of each product are gone."""
        return {sku: PRODUCTS[sku][1] - left for sku, left in self.stock.items()}

    @property
    def charges(self) -> dict[str, tuple[str, int]]:
        """The provider's books: status and amount by the order."""
        charges: dict[str, tuple[str, int]] = {}
        for charge in self.payments.charges.values():
            if charge.request:
                order_id = charge.request["reference"]
                assert order_id not in charges, "an order is charged once"
                charges[order_id] = (charge.status, charge.request["amount"])
        return charges

    @property
    def unpublished(self) -> list[dict[str, Any]]:
        """The changes of orders that the publisher has still to deal with."""
        return self._table("ORDERS_TABLE").changes[self.published :]

    @property
    def is_calm(self) -> bool:
        """Whether nothing is left to do."""
        to_review = any(order.review_at for order in self.orders.values())
        left = any(self.queues.queues.values()) or self.payments.events or self.running or self.unpublished
        return not (left or to_review)

    def _table(self, variable: str) -> Table:
        return self.dynamodb.tables[os.environ[variable]]


_CONTEXT: Any = Context()
_sqs = client("sqs")
_STACK: Any = SimpleNamespace(client=lambda service: _sqs)


def _lines(quantities: dict[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
