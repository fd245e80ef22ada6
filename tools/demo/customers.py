"""Journeys of customers: they browse, order and chat. A function makes the steps of one."""

from __future__ import annotations

import uuid

from tools.demo.api_client import claims, sign_in
from tools.demo.chat import Access, Chat, Refused
from tools.demo.visit import Visit, abbreviated

_PAGE = 2


def ask_for_health(visit: Visit) -> None:
    """Call the one route without a back end."""
    visit.step("Is it there?", "API Gateway alone, with a mock integration: no function runs")
    visit.expect(200, visit.visitor.request("GET", "/health"))


def sign_in_both(visit: Visit) -> None:
    """Sign two customers in, for the journeys that go on from here."""
    visit.step("Sign in", "Cognito, which signs a token that names the customer")
    for name, customer in (("customer", visit.customer), ("other", visit.other)):
        visit.sent(f"InitiateAuth USER_PASSWORD_AUTH {visit.stack.users[name].email}")
        customer.token = sign_in(visit.stack, name)
        visit.received(f"id token {abbreviated(customer.token)} for sub {claims(customer.token)['sub']}")


def browse(visit: Visit) -> None:
    """Look at two pages of the catalogue, and at a product."""
    visit.step("Browse the catalogue", "the function list_products, from an index of the products table")
    page = visit.expect(200, visit.visitor.request("GET", f"/products?limit={_PAGE}")).json()
    visit.require(len(page["items"]) == _PAGE and page.get("nextCursor"), "two products, and a cursor to the next page")

    visit.step("Turn the page", "the same function, which checks the cursor's signature and reads on from there")
    path = f"/products?limit={_PAGE}&cursor={page['nextCursor']}"
    following = visit.expect(200, visit.visitor.request("GET", path)).json()
    visit.require(len(following["items"]) == _PAGE, "another two products")

    visit.step("Look at one product", "the function get_product")
    visit.expect(200, visit.visitor.request("GET", f"/products/{page['items'][0]['sku']}"))


def order_and_follow(visit: Visit) -> None:
    """Order, see the order confirmed, and find it as nobody else does."""
    visit.step(
        "Order two of them",
        "the authorizer (the token), the gateway (the body's shape), then the function place_order: it prices the "
        "order, stores it as PENDING and puts it on the queue",
    )
    key = str(uuid.uuid4())
    order_id = visit.expect(202, visit.customer.order({"MUG-001": 2}, key)).json()["orderId"]

    visit.step(
        "Watch it being processed",
        "the function get_order, while process_orders takes the order from the queue, reserves the stock and charges",
    )
    order = visit.watch(visit.customer, f"/orders/{order_id}")
    visit.require(order["status"] == "CONFIRMED", "the order CONFIRMED")

    visit.step(
        "Send the same order again, as a client does that has lost the answer",
        "place_order, which finds the order by its Idempotency-Key: nothing is ordered twice",
    )
    repeated = visit.expect(202, visit.customer.order({"MUG-001": 2}, key)).json()
    visit.require(repeated["orderId"] == order_id, "the same order")

    visit.step(
        "Ask for it as another customer",
        "get_order: orders are keyed by customer, so to anybody else this one does not exist",
    )
    visit.expect(404, visit.other.request("GET", f"/orders/{order_id}"))


def order_what_is_declined(visit: Visit) -> None:
    """Order what the payments sandbox never charges."""
    visit.step(
        "Order something the payment provider declines",
        "process_orders, which asks the provider, releases the stock and rejects the order",
    )
    order_id = visit.expect(202, visit.customer.order({"PAY-DECLINED": 1})).json()["orderId"]
    order = visit.watch(visit.customer, f"/orders/{order_id}")
    visit.require(order["status"] == "REJECTED" and order.get("rejectionReason"), "the order REJECTED with a reason")


def order_what_cannot_be_ordered(visit: Visit) -> None:
    """Send what the gateway refuses, and what the function does."""
    visit.step(
        "Send a body of the wrong shape",
        "API Gateway's request validator, in the API's one problem shape: no function is paid for",
    )
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    visit.expect(400, visit.customer.request("POST", "/orders", json={"lines": "a mug"}, headers=headers))

    visit.step(
        "Send a body of the right shape that cannot be right",
        "place_order, which knows the products and says what is wrong",
    )
    visit.expect(422, visit.customer.order({"UNICORN-001": 1}))


def try_as_a_stranger(visit: Visit) -> None:
    """Send what nobody has signed."""
    visit.step("Order without having signed in", "the Cognito authorizer")
    visit.expect(401, visit.visitor.order({"MUG-001": 1}))

    visit.step("Make up a cursor", "list_products, which refuses a cursor that it has not signed")
    visit.expect(400, visit.visitor.request("GET", "/products?cursor=bWFkZSB1cA"))


def chat_with_support(visit: Visit) -> None:
    """Open the chat for the journeys that go on from here, and say something there."""
    visit.step(
        "Open the chat: a customer, and support",
        "create_ticket, for a ticket that is good once; then the authorizer authorize_connection, which uses it up, "
        "and open_connection. The same ticket again: the authorizer, which no longer knows it",
    )
    for name in ("customer", "support"):
        ticket = Access.of(visit.stack, name).ticket()
        visit.sent(f"{name}: connect to {ticket['url'].replace(ticket['ticket'], '...')}")
        visit.open_chat(name, ticket["url"])
        visit.ask(name, "joined", action="joinRoom", room="support")
    _require_refused(visit, ticket["url"])

    visit.step(
        "Ask support",
        "send_message, which stores the message and posts it to everybody in the room. Sent again with the same "
        "clientId, it is stored and posted once",
    )
    message = {"room": "support", "text": "Is the mug dishwasher-safe?", "clientId": uuid.uuid4().hex}
    sent = visit.ask("customer", "sent", action="sendMessage", **message)
    repeated = visit.ask("customer", "sent", action="sendMessage", **message)
    visit.require(repeated["messageId"] == sent["messageId"], "the first message's id for the same clientId")
    visit.hear("support", messageId=sent["messageId"])


def _require_refused(visit: Visit, used_ticket_url: str) -> None:
    try:
        Chat(used_ticket_url, lambda _: None).close()
    except Refused as refused:
        visit.received(f"the same ticket again: {refused.status}")
    else:
        visit.require(False, "a used ticket to be refused")


def order_with_the_chat_open(visit: Visit) -> None:
    """Order, and hear of the order without asking."""
    visit.step(
        "Order with the chat open, and ask for nothing",
        "publish_order_events, a rule of the bus, a queue, and deliver_order_status, which posts to the customer's "
        "connections",
    )
    order_id = visit.expect(202, visit.customer.order({"MUG-001": 1})).json()["orderId"]
    for status in ("PENDING", "CONFIRMED"):
        visit.hear("customer", orderId=order_id, status=status)
