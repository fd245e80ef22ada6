"""Journeys of those who trade with the shop: the payment provider, the back office, partners."""

from __future__ import annotations

import json
import uuid

from tools.demo.api_client import ApiClient
from tools.demo.visit import Visit
from tools.ops import partners, webhook
from tools.ops.back_office import BackOffice


def pay_by_webhook(visit: Visit) -> None:
    """Order what is decided later, and send the decision: forged, altered, and as it was signed."""
    visit.step(
        "Pay later: the payment provider decides, and says so in a signed webhook",
        "the REQUEST authorizer authorize_webhook, which checks the signature; then receive_payment_event, which "
        "checks that the body matches the signed hash",
    )
    order_id = visit.expect(202, visit.customer.order({"PAY-WEBHOOK": 1})).json()["orderId"]
    visit.watch(visit.customer, f"/orders/{order_id}", until={"AWAITING_PAYMENT"})
    body = json.dumps(webhook.decide(visit.stack, order_id, "approved")).encode()
    headers = {"Content-Type": "application/json", **webhook.signed(body, [visit.stack.webhook["secret"]])}
    forged = headers | {"X-Webhook-Signature": f"v1={'0' * 64}"}
    altered = body.replace(b"approved", b"declined")
    visit.expect(403, visit.visitor.request("POST", webhook.PATH, data=body, headers=forged))
    visit.expect(401, visit.visitor.request("POST", webhook.PATH, data=altered, headers=headers))
    visit.expect(200, visit.visitor.request("POST", webhook.PATH, data=body, headers=headers))
    order = visit.watch(visit.customer, f"/orders/{order_id}")
    visit.require(order["status"] == "CONFIRMED", "the order CONFIRMED")


def edit_a_product(visit: Visit) -> None:
    """Change a price, and try to change it again without having seen the change."""
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

    visit.step(
        "Change it as a second editor, who has not seen the first one's change",
        "put_product: the condition of its write does not hold, so nothing is overwritten",
    )
    product["price"]["amount"] = 100
    visit.expect(412, editor.put("RULER-001", product, {"If-Match": etag}))


def edit_without_a_signature(visit: Visit) -> None:
    """Try to change a price as anybody."""
    visit.step("Change a price without a signature", "IAM: API Gateway calls no function")
    product = {"name": "A bargain", "description": "", "category": "home", "price": {"amount": 1, "currency": "EUR"}}
    headers = {"If-Match": '"never seen"'}
    visit.expect(403, visit.visitor.request("PUT", "/products/RULER-001", json=product, headers=headers))


def order_as_a_partner(visit: Visit) -> None:
    """Hand in an order, and ask for it until it is settled."""
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


def try_another_token(visit: Visit) -> None:
    """Call with one partner's id and another's secret."""
    visit.step("Try another partner's token", "authorize_partner, which knows no such token")
    bronze, gold = (visit.stack.partners[name].token.split("_") for name in ("bronze", "gold"))
    stranger = ApiClient(visit.stack.url, f"Bearer {'_'.join((*bronze[:2], gold[2]))}")
    visit.expect(401, stranger.request("GET", "/partner/orders/anything"))
