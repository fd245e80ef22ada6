"""A tour of the shop on a running stack: each stop sends a request and shows which part answered."""

from __future__ import annotations

import json
import queue
import time
import uuid
from collections.abc import Callable, Set
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any

import requests

from tools.console import Problem, say, styled
from tools.demo.chat import Access, Chat, Frame, Refused
from tools.demo.customer import SETTLED, Customer, claims, sign_in
from tools.ops import partners, webhook
from tools.ops.back_office import BackOffice
from tools.stack.stack import Stack

_SETTLE_SECONDS = 30
_SHOWN_LINES = 14
_PAGE = 2


class Need(Enum):
    """What a journey cannot be made without; the value says it to people."""

    CATALOGUE = "some products"
    PRODUCTS = "the demo's products"
    CUSTOMERS = "people who can sign in"
    SALES = "orders that are charged"
    SANDBOX = "the payments sandbox"
    EDITS = "a product to edit"
    PARTNERS = "partners"


@dataclass(frozen=True)
class Journey:
    """Some stops of the tour that make sense without the others.

    Attributes
    ----------
    name
        What somebody does.
    stops
        Called in this order.
    needs
        What the stack, and whoever makes the journey, must have.
    after
        The journey that this one goes on from.
    """

    name: str
    stops: tuple[Callable[[Tour], None], ...]
    needs: frozenset[Need] = frozenset()
    after: str = ""


class Tour:
    """The stops of the tour, in order.

    Parameters
    ----------
    stack
        A stack with products and customers, on this machine or on AWS.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.visitor = Customer(stack.url)
        self.customer = Customer(stack.url)
        self.other = Customer(stack.url)
        self.order_id = ""
        self.cursor = ""
        self.sku = ""
        self.key = str(uuid.uuid4())
        self.seen_tag = '"never seen"'
        self.editor = BackOffice("", {}, "")
        self._chats = ExitStack()
        self.talks: dict[str, Chat] = {}
        self.heard: dict[str, queue.SimpleQueue[Frame]] = {}
        self._number = 0

    def run(self) -> None:
        """Make every stop.

        Raises
        ------
        Problem
            At the first stop where something is not as the tour says.
        """
        started = time.monotonic()
        with self:
            for journey in JOURNEYS:
                for stop in journey.stops:
                    stop(self)
        seconds = time.monotonic() - started
        say(f"\n{styled('✓', 'green')} {self._number} stops in {seconds:.0f} s, all as they should be")

    def __enter__(self) -> Tour:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the chat."""
        self._chats.close()

    def _health(self) -> None:
        self._stop("Is it there?", "API Gateway alone, with a mock integration: no function runs")
        self._show(self.visitor, "GET", "/health", expect=200)

    def _sign_in(self) -> None:
        self._stop("Sign in", "Cognito, which signs a token that names the customer")
        for name, customer in (("customer", self.customer), ("other", self.other)):
            user = self.stack.users[name]
            say(f"   {styled('>', 'cyan')} InitiateAuth USER_PASSWORD_AUTH {user.email}")
            customer.token = sign_in(self.stack, name)
            identity = claims(customer.token)
            say(f"   {styled('<', 'cyan')} id token {_abbreviated(customer.token)} for sub {identity['sub']}")

    def _list_products(self) -> None:
        self._stop("Browse the catalogue", "the function list_products, from an index of the products table")
        page = self._show(self.visitor, "GET", f"/products?limit={_PAGE}", expect=200).json()
        _require(len(page["items"]) == _PAGE, "a page of two products")
        self.cursor = page.get("nextCursor", "")
        _require(self.cursor, "a cursor to the next page")
        self.sku = page["items"][0]["sku"]

    def _next_page(self) -> None:
        self._stop(
            "Turn the page",
            "the same function: it checks the cursor's signature and reads on where the last page ended",
        )
        page = self._show(self.visitor, "GET", f"/products?limit={_PAGE}&cursor={self.cursor}", expect=200).json()
        _require(len(page["items"]) == _PAGE, "another two products")

    def _one_product(self) -> None:
        self._stop("Look at one product", "the function get_product")
        self._show(self.visitor, "GET", f"/products/{self.sku}", expect=200)

    def _place_order(self) -> None:
        self._stop(
            "Order two of them",
            "the authorizer (the token), the gateway (the body's shape), then the function place_order: it "
            "prices the order, stores it as PENDING and puts it on the queue",
        )
        response = self._order(self.customer, {"MUG-001": 2}, expect=202, key=self.key)
        say(f"   {styled('<', 'cyan')} Location: {response.headers['Location']}")
        self.order_id = response.json()["orderId"]

    def _watch_order(self) -> None:
        self._stop(
            "Watch it being processed",
            "the function get_order, while process_orders takes the order from the queue, reserves the "
            "stock and charges",
        )
        order = self._watch(self.order_id)
        _require(order["status"] == "CONFIRMED", "the order CONFIRMED")

    def _repeat_order(self) -> None:
        self._stop(
            "Send the same order again, as a client does that has lost the answer",
            "place_order finds the order by its Idempotency-Key: nothing is ordered twice",
        )
        response = self._order(self.customer, {"MUG-001": 2}, expect=202, key=self.key)
        _require(response.json()["orderId"] == self.order_id, "the same order")

    def _another_customers_order(self) -> None:
        self._stop(
            "Ask for it as another customer",
            "get_order: orders are keyed by customer, so to anybody else this one does not exist",
        )
        self._show(self.other, "GET", f"/orders/{self.order_id}", expect=404)

    def _declined_payment(self) -> None:
        self._stop(
            "Order something the payment provider declines",
            "process_orders, which asks the provider, releases the stock and rejects the order",
        )
        response = self._order(self.customer, {"PAY-DECLINED": 1}, expect=202)
        order = self._watch(response.json()["orderId"])
        _require(order["status"] == "REJECTED" and order.get("rejectionReason"), "the order REJECTED with a reason")

    def _refused_by_the_gateway(self) -> None:
        self._stop(
            "Send a body of the wrong shape",
            "API Gateway's request validator, with a gateway response in the API's one problem shape: no "
            "function is paid for",
        )
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        self._show(self.customer, "POST", "/orders", expect=400, json={"lines": "a mug"}, headers=headers)

    def _refused_by_the_function(self) -> None:
        self._stop(
            "Send a body of the right shape that cannot be right",
            "place_order, which knows the products and says what is wrong",
        )
        self._order(self.customer, {"UNICORN-001": 1}, expect=422)

    def _not_signed_in(self) -> None:
        self._stop("Order without having signed in", "the Cognito authorizer")
        self._order(self.visitor, {"MUG-001": 1}, expect=401)

    def _made_up_cursor(self) -> None:
        self._stop("Make up a cursor", "list_products: a cursor is signed, and one it has not signed is refused")
        self._show(self.visitor, "GET", "/products?cursor=bWFkZSB1cA", expect=400)

    def _payment_by_webhook(self) -> None:
        self._stop(
            "Pay later: the payment provider decides, and says so in a signed webhook",
            "the REQUEST authorizer authorize_webhook, which checks the signature; then receive_payment_event, which "
            "holds the body against the hash that was signed",
        )
        order_id = self._order(self.customer, {"PAY-WEBHOOK": 1}, expect=202).json()["orderId"]
        self._watch(order_id, until={"AWAITING_PAYMENT"})
        body = json.dumps(webhook.decide(self.stack, order_id, "approved"))
        headers = webhook.signed(body.encode(), [self.stack.webhook["secret"]])
        forged = headers | {"X-Webhook-Signature": f"v1={'0' * 64}"}
        self._send_webhook(body, forged, expect=403)
        self._send_webhook(body.replace("approved", "declined"), headers, expect=401)
        self._send_webhook(body, headers, expect=200)
        _require(self._watch(order_id)["status"] == "CONFIRMED", "the order CONFIRMED")

    def _send_webhook(self, body: str, headers: dict[str, str], expect: int) -> None:
        say(f"   {styled('>', 'cyan')} {body}")
        headers = {"Content-Type": "application/json", **headers}
        self._show(self.visitor, "POST", webhook.PATH, expect=expect, data=body.encode(), headers=headers)

    def _change_a_price(self) -> None:
        self._stop(
            "Change a price, as the back office",
            "IAM, which checks the request's signature and the role's policy, then the function put_product: it "
            "writes only if the product still has the ETag",
        )
        self.editor = BackOffice.of(self.stack)
        seen = self._show(self.visitor, "GET", "/products/RULER-001", expect=200)
        self.seen_tag = seen.headers["ETag"]
        answer = self._edit(seen.json()["price"]["amount"] + 50, expect=200)
        _require(answer.headers["ETag"] != self.seen_tag, "another ETag")

    def _second_editor(self) -> None:
        self._stop(
            "Change it as a second editor, who has not seen the first one's change",
            "put_product: the condition of its write does not hold, so nothing is overwritten",
        )
        self._edit(100, expect=412)

    def _unsigned_edit(self) -> None:
        self._stop("Change it without a signature", "IAM: API Gateway calls no function")
        body = {"name": "A bargain", "description": "", "category": "home", "price": {"amount": 1, "currency": "EUR"}}
        headers = {"If-Match": self.seen_tag}
        self._show(self.visitor, "PUT", "/products/RULER-001", expect=403, json=body, headers=headers)

    def _edit(self, amount: int, expect: int) -> requests.Response:
        """Send a signed request, print it and its answer, and hold the answer against what the tour says."""
        seen = self.visitor.request("GET", "/products/RULER-001").json()
        product = {name: seen[name] for name in ("name", "description", "category")}
        body = {**product, "price": {**seen["price"], "amount": amount}}
        say(f"   {styled('>', 'cyan')} PUT /products/RULER-001")
        say(f"   {styled('>', 'cyan')} Authorization: AWS4-HMAC-SHA256 ...")
        say(f"   {styled('>', 'cyan')} If-Match: {self.seen_tag}")
        say(f"   {styled('>', 'cyan')} {json.dumps(body, ensure_ascii=False)}")
        response = self.editor.put("RULER-001", body, {"If-Match": self.seen_tag})
        self._print_answer(response, expect)
        _require(response.status_code == expect, f"the edit answers {expect}, not {response.status_code}")
        return response

    def _partner_hands_in(self) -> None:
        self._stop(
            "Hand in an order as a partner",
            "the authorizer authorize_partner (the token), the usage plan gold, then the gateway itself, which puts "
            "the order on a queue: no function runs. process_partner_orders takes it from there",
        )
        partner = partners.caller(self.stack, "gold")
        reference = f"tour-{uuid.uuid4()}"
        body = {"reference": reference, "lines": [{"sku": "MUG-001", "quantity": 1}]}
        self._show(partner, "POST", "/partner/orders", expect=202, json=body)
        path, started = f"/partner/orders/{reference}", time.monotonic()
        while partner.request("GET", path).json().get("status") not in SETTLED:
            _require(time.monotonic() - started < _SETTLE_SECONDS, "the partner's order settled")
            time.sleep(0.2)
        self._show(partner, "GET", path, expect=200)

    def _wrong_partner_token(self) -> None:
        self._stop("Try another partner token", "authorize_partner, which knows no such token")
        bronze, gold = (self.stack.partners[name].token.split("_") for name in ("bronze", "gold"))
        mixed = "_".join((*bronze[:2], gold[2]))
        stranger = Customer(self.stack.url, f"Bearer {mixed}")
        self._show(stranger, "GET", "/partner/orders/anything", expect=401)

    def _open_the_chat(self) -> None:
        self._stop(
            "Open the chat: a customer, and support",
            "create_ticket, for a ticket that is good once; then the authorizer authorize_connection, which uses it "
            "up, and open_connection. The same ticket again: the authorizer, which knows it no more",
        )
        for name in ("customer", "support"):
            ticket = Access.of(self.stack, name).ticket()
            say(f"   {styled('>', 'cyan')} {name}: connect to {ticket['url'].replace(ticket['ticket'], '...')}")
            self.heard[name] = queue.SimpleQueue()
            self.talks[name] = Chat(ticket["url"], self.heard[name].put)
            self._chats.callback(self.talks[name].close)
            self._ask(name, "joined", action="joinRoom", room="support")
        try:
            Chat(ticket["url"], lambda _: None).close()
        except Refused as refused:
            say(f"   {styled('<', 'cyan')} the same ticket again: {styled(str(refused.status), 'green')}")
        else:
            raise Problem("the tour expects a used ticket to be refused: see make logs FUNCTION=authorize-connection")

    def _chat_with_support(self) -> None:
        self._stop(
            "Ask support",
            "send_message, which stores the message and posts it to everybody in the room. Sent again with the same "
            "clientId, it is stored and posted once",
        )
        message = {"room": "support", "text": "Is the mug dishwasher-safe?", "clientId": uuid.uuid4().hex}
        sent = self._ask("customer", "sent", action="sendMessage", **message)
        again = self._ask("customer", "sent", action="sendMessage", **message)
        _require(again["messageId"] == sent["messageId"], "the first message's id for the same clientId")
        self._hear("support", messageId=sent["messageId"])

    def _order_reports_by_itself(self) -> None:
        self._stop(
            "Order with the chat open, and ask for nothing",
            "publish_order_events, a rule of the bus, a queue, and deliver_order_status, which posts to the customer's "
            "connections",
        )
        order_id = self._order(self.customer, {"MUG-001": 1}, expect=202).json()["orderId"]
        for status in ("PENDING", "CONFIRMED"):
            self._hear("customer", orderId=order_id, status=status)

    def _ask(self, name: str, expect: str, action: str, **members: Any) -> Frame:
        """Send a frame, print it and its answer, and hold the answer against what the tour says."""
        say(f"   {styled('>', 'cyan')} {name}: {json.dumps({'action': action, **members})}")
        answer = self.talks[name].request(action, **members)
        shown = {member: value for member, value in answer.items() if member != "requestId"}
        say(f"   {styled('<', 'cyan')} {name}: {json.dumps(shown, ensure_ascii=False)}")
        _require(answer["event"] == expect, f"{action} to be answered with {expect}")
        return answer

    def _hear(self, name: str, **members: Any) -> None:
        """Print what comes in until it is what the tour waits for."""
        started = time.monotonic()
        while time.monotonic() - started < _SETTLE_SECONDS:
            with suppress(queue.Empty):
                frame = self.heard[name].get(timeout=1)
                if members.items() <= frame.items():
                    say(f"   {styled('<', 'cyan')} {name} hears: {json.dumps(frame, ensure_ascii=False)}")
                    return
        raise Problem(f"the tour expects {name} to hear {members} within {_SETTLE_SECONDS} s: see make logs")

    def _stop(self, title: str, answered_by: str) -> None:
        self._number += 1
        say(f"\n{styled(f'{self._number}. {title}', 'bold')}")
        say(styled(f"   answered by: {answered_by}", "dim"))

    def _order(
        self, customer: Customer, lines: dict[str, int], expect: int, key: str | None = None
    ) -> requests.Response:
        body = {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]}
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self._show(customer, "POST", "/orders", expect=expect, json=body, headers=headers)

    def _show(self, customer: Customer, method: str, path: str, expect: int, **arguments: Any) -> requests.Response:
        """Send a request, print it and its answer, and hold the answer against what the tour says."""
        say(f"   {styled('>', 'cyan')} {method} {path}")
        if customer.token:
            say(f"   {styled('>', 'cyan')} Authorization: {_abbreviated(customer.token)}")
        for name, value in arguments.get("headers", {}).items():
            say(f"   {styled('>', 'cyan')} {name}: {value}")
        if "json" in arguments:
            say(f"   {styled('>', 'cyan')} {json.dumps(arguments['json'])}")
        response = customer.request(method, path, **arguments)
        self._print_answer(response, expect)
        _require(response.status_code == expect, f"{method} {path} answers {expect}, not {response.status_code}")
        return response

    def _print_answer(self, response: requests.Response, expect: int) -> None:
        colour = "green" if response.status_code == expect else "red"
        say(f"   {styled('<', 'cyan')} {styled(f'{response.status_code} {response.reason}', colour)}")
        if "ETag" in response.headers:
            say(f"   {styled('<', 'cyan')} ETag: {response.headers['ETag']}")
        _print_body(response)

    def _watch(self, order_id: str, until: Set[str] = SETTLED) -> dict[str, Any]:
        """Print each status of an order until it has settled, or has come to another status that is awaited."""
        started = time.monotonic()
        shown = None
        while time.monotonic() - started < _SETTLE_SECONDS:
            order: dict[str, Any] = self.customer.request("GET", f"/orders/{order_id}").json()
            if order.get("status") != shown:
                shown = order.get("status")
                reason = order.get("rejectionReason")
                say(
                    f"   {styled('<', 'cyan')} GET /orders/{order_id}: {styled(str(shown), 'bold')}"
                    f"{f' ({reason})' if reason else ''} after {time.monotonic() - started:.1f} s"
                )
            if shown in until:
                return order
            time.sleep(0.2)
        raise Problem(f"order {order_id} is still {shown} after {_SETTLE_SECONDS} s: see make logs FUNCTION=process")


_SIGNED_IN = frozenset({Need.CUSTOMERS})
_ORDERING = frozenset({Need.CUSTOMERS, Need.PRODUCTS, Need.SALES})

# The tour; `make smoke` makes of it what a stack allows.
JOURNEYS = (
    Journey("ask whether it is there", (Tour._health,)),
    Journey("sign in", (Tour._sign_in,), _SIGNED_IN),
    Journey(
        "browse the catalogue",
        (Tour._list_products, Tour._next_page, Tour._one_product),
        frozenset({Need.CATALOGUE}),
    ),
    Journey(
        "order, and follow the order",
        (Tour._place_order, Tour._watch_order, Tour._repeat_order, Tour._another_customers_order),
        _ORDERING,
        after="sign in",
    ),
    Journey("order what is declined", (Tour._declined_payment,), _ORDERING | {Need.SANDBOX}, after="sign in"),
    Journey(
        "order what cannot be ordered",
        (Tour._refused_by_the_gateway, Tour._refused_by_the_function),
        _SIGNED_IN,
        after="sign in",
    ),
    Journey("try it as a stranger", (Tour._not_signed_in, Tour._made_up_cursor)),
    Journey("pay by webhook", (Tour._payment_by_webhook,), _ORDERING | {Need.SANDBOX}, after="sign in"),
    Journey(
        "edit a product",
        (Tour._change_a_price, Tour._second_editor),
        frozenset({Need.PRODUCTS, Need.EDITS}),
    ),
    Journey("edit without a signature", (Tour._unsigned_edit,)),
    Journey(
        "order as a partner",
        (Tour._partner_hands_in,),
        frozenset({Need.PARTNERS, Need.PRODUCTS, Need.SALES}),
    ),
    Journey("try another partner's token", (Tour._wrong_partner_token,), frozenset({Need.PARTNERS})),
    Journey("chat with support", (Tour._open_the_chat, Tour._chat_with_support), _SIGNED_IN, after="sign in"),
    Journey("order with the chat open", (Tour._order_reports_by_itself,), _ORDERING, after="chat with support"),
)


def _require(condition: object, expectation: str) -> None:
    if not condition:
        raise Problem(f"the tour expects {expectation}: see make logs")


def _print_body(response: requests.Response) -> None:
    try:
        text = json.dumps(response.json(), indent=2, ensure_ascii=False)
    except ValueError:
        text = response.text
    lines = text.splitlines()
    for line in lines[:_SHOWN_LINES]:
        say(f"     {line}")
    if len(lines) > _SHOWN_LINES:
        say(styled(f"     ... {len(lines) - _SHOWN_LINES} more lines", "dim"))


def _abbreviated(token: str) -> str:
    return f"{token[:12]}...{token[-6:]}"
