"""The journeys through the shop: what somebody does, which parts of the shop answer, and what has to come back."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tools.demo.api_client import ApiClient, claims, sign_in
from tools.demo.chat import Access
from tools.demo.visit import Visit, abbreviated
from tools.ops import partners, webhook
from tools.ops.back_office import BackOffice
from tools.ops.refunds import Support

Walk = Callable[[Visit], None]


class Need(Enum):
    """A requirement of a journey; the value says it to people."""

    CATALOGUE = "some products"
    PRODUCTS = "the demo's products"
    CUSTOMERS = "people who can sign in"
    SALES = "orders that are charged"
    SANDBOX = "the payments sandbox"
    EDITS = "a product to edit"
    PARTNERS = "partners"


@dataclass(frozen=True)
class Journey:
    """Steps that make sense without other journeys, but the one ``after`` which they come.

    ``walk`` makes them, and raises a ``Problem`` where something is not as it must be.
    """

    name: str
    walk: Walk
    needs: frozenset[Need] = frozenset()
    after: str = ""


JOURNEYS: list[Journey] = []
_ORDERING = (Need.CUSTOMERS, Need.PRODUCTS, Need.SALES)
_PAGE = 2


def _journey(name: str, *needs: Need, after: str = "") -> Callable[[Walk], Walk]:
    def add(walk: Walk) -> Walk:
        JOURNEYS.append(Journey(name, walk, frozenset(needs), after))
        return walk

    return add


@_journey("ask whether it is there")
def _ask_for_health(visit: Visit) -> None:
    visit.step("Is it there?", "API Gateway alone, with a mock integration: no function runs")
    visit.expect(200, visit.visitor.request("GET", "/health"))


@_journey("sign in", Need.CUSTOMERS)
def _sign_in_both(visit: Visit) -> None:
    visit.step("Sign in", "Cognito, which signs a token that names the customer")
    for name, customer in (("customer", visit.customer), ("other", visit.other)):
        visit.sent(f"InitiateAuth USER_PASSWORD_AUTH {visit.stack.users[name].email}")
        customer.token = sign_in(visit.stack, name)
        visit.received(f"id token {abbreviated(customer.token)} for sub {claims(customer.token)['sub']}")


@_journey("browse the catalogue", Need.CATALOGUE)
def _browse(visit: Visit) -> None:
    visit.step("Browse the catalogue", "the function list_products, from an index of the products table")
    page = visit.expect(200, visit.visitor.request("GET", f"/products?limit={_PAGE}")).json()
    visit.require(len(page["items"]) == _PAGE and page.get("nextCursor"), "a page, and a cursor to the next one")

    visit.step("Turn the page", "the same function, which checks the cursor's signature and reads on from there")
    path = f"/products?limit={_PAGE}&cursor={page['nextCursor']}"
    following = visit.expect(200, visit.visitor.request("GET", path)).json()
    visit.require(len(following["items"]) == _PAGE, "another page")

    visit.step("Look at one product", "the function get_product")
    visit.expect(200, visit.visitor.request("GET", f"/products/{page['items'][0]['sku']}"))


@_journey("order, and follow the order", *_ORDERING, after="sign in")
def _order_and_follow(visit: Visit) -> None:
    visit.step(
        "Order two of them",
        "the authorizer (the token), the gateway (the body's shape), then the function place_order: it prices the "
        "order, stores it as PENDING and puts it on the queue",
    )
    key = str(uuid.uuid4())
    order_id = visit.expect(202, visit.customer.order({"MUG-001": 2}, key)).json()["orderId"]

    visit.step("Watch it being processed", "get_order, while process_orders reserves the stock and charges")
    visit.watch(visit.customer, f"/orders/{order_id}", until="CONFIRMED")

    visit.step(
        "Send the same order again, as a client does that has lost the answer",
        "place_order, which finds the order by its Idempotency-Key: nothing is ordered twice",
    )
    repeated = visit.expect(202, visit.customer.order({"MUG-001": 2}, key)).json()
    visit.require(repeated["orderId"] == order_id, "the same order")

    visit.step("Ask for it as another customer", "get_order: orders are keyed by customer, so no other can find it")
    visit.expect(404, visit.other.request("GET", f"/orders/{order_id}"))


@_journey("refund an order", *_ORDERING, after="sign in")
def _refund_an_order(visit: Visit) -> None:
    order_id = visit.expect(202, visit.customer.order({"MUG-001": 1})).json()["orderId"]
    visit.watch(visit.customer, f"/orders/{order_id}", until="CONFIRMED")
    customer_id = claims(visit.customer.token or "")["sub"]

    visit.step(
        "Ask for a refund as a customer", "the TOKEN authorizer authorize_support: a customer is not in the group"
    )
    visit.expect(403, Support(visit.customer).start(order_id, customer_id, "changed my mind"))

    visit.step(
        "Refund it as support",
        "authorize_support, then the gateway itself, which starts the state machine in refund.asl.json. refund_order "
        "does its tasks: claim the order, have the charge cancelled, give the stock back",
    )
    key = str(uuid.uuid4())
    support = Support.of(visit.stack)
    started = visit.expect(202, support.start(order_id, customer_id, "arrived broken", key))
    visit.require(support.outcome(started) == "REFUNDED", "the refund to end with REFUNDED")
    visit.watch(visit.customer, f"/orders/{order_id}", until="REFUNDED")

    visit.step("Send the same request again", "Step Functions: the execution's name is taken, and nothing new starts")
    visit.expect(202, support.start(order_id, customer_id, "arrived broken", key))


@_journey("order what is declined", *_ORDERING, Need.SANDBOX, after="sign in")
def _order_what_is_declined(visit: Visit) -> None:
    visit.step(
        "Order something the payment provider declines",
        "process_orders, which asks the provider, releases the stock and rejects the order",
    )
    order_id = visit.expect(202, visit.customer.order({"PAY-DECLINED": 1})).json()["orderId"]
    order = visit.watch(visit.customer, f"/orders/{order_id}", until="REJECTED")
    visit.require(order.get("rejectionReason"), "a reason for the rejection")


@_journey("order what cannot be ordered", Need.CUSTOMERS, after="sign in")
def _order_what_cannot_be_ordered(visit: Visit) -> None:
    visit.step("Send a body of the wrong shape", "API Gateway's request validator: no function is paid for")
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    visit.expect(400, visit.customer.request("POST", "/orders", json={"lines": "a mug"}, headers=headers))

    visit.step("Order a product that does not exist", "place_order, which knows the products and says what is wrong")
    visit.expect(422, visit.customer.order({"UNICORN-001": 1}))


@_journey("try it as a stranger")
def _try_as_a_stranger(visit: Visit) -> None:
    visit.step("Order without having signed in", "the Cognito authorizer")
    visit.expect(401, visit.visitor.order({"MUG-001": 1}))

    visit.step("Make up a cursor", "list_products, which refuses a cursor that it has not signed")
    visit.expect(400, visit.visitor.request("GET", "/products?cursor=bWFkZSB1cA"))


@_journey("pay by webhook", *_ORDERING, Need.SANDBOX, after="sign in")
def _pay_by_webhook(visit: Visit) -> None:
    visit.step(
        "Pay later: the payment provider decides, and says so in a signed webhook",
        "the REQUEST authorizer authorize_webhook, which checks the signature; then receive_payment_event, which "
        "checks that the body matches the signed hash",
    )
    order_id = visit.expect(202, visit.customer.order({"PAY-WEBHOOK": 1})).json()["orderId"]
    visit.watch(visit.customer, f"/orders/{order_id}", until="AWAITING_PAYMENT")
    body = json.dumps(webhook.decide(visit.stack, order_id, "approved")).encode()
    headers = {"Content-Type": "application/json", **webhook.signed(body, [visit.stack.webhook["secret"]])}
    forged = headers | {"X-Webhook-Signature": f"v1={'0' * 64}"}
    altered = body.replace(b"approved", b"declined")
    visit.expect(403, visit.visitor.request("POST", webhook.PATH, data=body, headers=forged))
    visit.expect(401, visit.visitor.request("POST", webhook.PATH, data=altered, headers=headers))
    visit.expect(200, visit.visitor.request("POST", webhook.PATH, data=body, headers=headers))
    visit.watch(visit.customer, f"/orders/{order_id}", until="CONFIRMED")


@_journey("edit a product", Need.PRODUCTS, Need.EDITS)
def _edit_a_product(visit: Visit) -> None:
    visit.step(
        "Change a price, as the back office",
        "IAM, which checks the request's signature and the role's policy, then the function put_product: it writes "
        "only if the product still has the ETag",
    )
    editor = BackOffice.of(visit.stack)
    seen = visit.expect(200, visit.visitor.request("GET", "/products/RULER-001"))
    etag = seen.headers["ETag"]
    product = {name: seen.json()[name] for name in ("name", "description", "category", "price")}
    product["price"]["amount"] += 50
    edited = visit.expect(200, editor.put("RULER-001", product, {"If-Match": etag}))
    visit.require(edited.headers["ETag"] != etag, "another ETag")

    visit.step("Change it without having seen that change", "put_product: the write's condition does not hold")
    visit.expect(412, editor.put("RULER-001", product, {"If-Match": etag}))


@_journey("edit without a signature")
def _edit_without_a_signature(visit: Visit) -> None:
    visit.step("Change a price without a signature", "IAM: API Gateway calls no function")
    product = {"name": "A bargain", "description": "", "category": "home", "price": {"amount": 1, "currency": "EUR"}}
    headers = {"If-Match": '"never seen"'}
    visit.expect(403, visit.visitor.request("PUT", "/products/RULER-001", json=product, headers=headers))


@_journey("look at the partners' guards")
def _look_at_the_partners_guards(visit: Visit) -> None:
    visit.step("Look at what guards partners' orders", "API Gateway's settings, imported from openapi.yaml")
    gateway, api = visit.stack.client("apigateway"), visit.stack.outputs["RestApiId"]
    pages = gateway.get_paginator("get_resources").paginate(restApiId=api)
    (resource,) = [row["id"] for page in pages for row in page["items"] if row["path"] == "/partner/orders"]
    visit.sent("GetMethod POST /partner/orders")
    method = gateway.get_method(restApiId=api, resourceId=resource, httpMethod="POST")
    found = {name: method.get(name) for name in ("authorizationType", "authorizerId", "apiKeyRequired")}
    visit.received(", ".join(f"{name} {value}" for name, value in found.items()))
    visit.require(method.get("authorizerId"), "an authorizer at POST /partner/orders")
    visit.require(method.get("apiKeyRequired"), "an API key to be required at POST /partner/orders")


@_journey("order as a partner", Need.PARTNERS, Need.PRODUCTS, Need.SALES)
def _order_as_a_partner(visit: Visit) -> None:
    visit.step(
        "Hand in an order as a partner",
        "the authorizer authorize_partner (the token), the usage plan gold, then the gateway itself, which puts the "
        "order on a queue: no function runs. process_partner_orders takes it from there",
    )
    partner = partners.caller(visit.stack, "gold")
    reference = f"tour-{uuid.uuid4()}"
    body = {"reference": reference, "lines": [{"sku": "MUG-001", "quantity": 1}]}
    visit.expect(202, partner.request("POST", "/partner/orders", json=body))
    visit.watch(partner, f"/partner/orders/{reference}")
    visit.expect(200, partner.request("GET", f"/partner/orders/{reference}"))


@_journey("read the catalogue as a partner", Need.PARTNERS, Need.CATALOGUE)
def _read_the_catalogue_as_a_partner(visit: Visit) -> None:
    visit.step(
        "Read the catalogue as XML, as a partner's import does",
        "list_partner_products, which returns JSON and knows no HTTP: mapping templates make its event, and XML of its "
        "answer. Its error messages select the other answers",
    )
    partner = partners.caller(visit.stack, "bronze")
    page = visit.expect(200, partner.request("GET", "/partner/products.xml?limit=1"))
    visit.require("xml" in page.headers["Content-Type"], "XML")
    visit.expect(400, partner.request("GET", "/partner/products.xml?limit=many"))


@_journey("try another partner's token", Need.PARTNERS)
def _try_another_token(visit: Visit) -> None:
    visit.step("Try another partner's token", "authorize_partner, which knows no such token")
    bronze, gold = (visit.stack.partners[name].token.split("_") for name in ("bronze", "gold"))
    stranger = ApiClient(visit.stack.url, f"Bearer {'_'.join((*bronze[:2], gold[2]))}")
    visit.expect(401, stranger.request("GET", "/partner/orders/anything"))


@_journey("chat with support", Need.CUSTOMERS, after="sign in")
def _chat_with_support(visit: Visit) -> None:
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
    visit.expect_refused(ticket["url"])

    visit.step("Ask support", "send_message, which stores a message and posts it to the room, once for a clientId")
    message = {"room": "support", "text": "Is the mug dishwasher-safe?", "clientId": uuid.uuid4().hex}
    sent = visit.ask("customer", "sent", action="sendMessage", **message)
    repeated = visit.ask("customer", "sent", action="sendMessage", **message)
    visit.require(repeated["messageId"] == sent["messageId"], "the first message's id for the same clientId")
    visit.hear("support", messageId=sent["messageId"])


@_journey("order with the chat open", *_ORDERING, after="chat with support")
def _order_with_the_chat_open(visit: Visit) -> None:
    visit.step(
        "Order with the chat open, and ask for nothing",
        "publish_order_events, a rule of the bus, a queue, and deliver_order_status, which posts to the customer's "
        "connections",
    )
    order_id = visit.expect(202, visit.customer.order({"MUG-001": 1})).json()["orderId"]
    for status in ("PENDING", "CONFIRMED"):
        visit.hear("customer", orderId=order_id, status=status)
