"""The journeys through the shop: the tour shows them, the smoke test makes those that a stack allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tools.demo import customers, trade
from tools.demo.visit import Visit


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
    """Some steps that make sense without the others.

    Attributes
    ----------
    name
        What somebody does.
    walk
        Makes the steps; it raises a ``Problem`` where something is not as they say.
    needs
        What the stack, and the person who makes the journey, must have.
    after
        The journey that this one goes on from.
    """

    name: str
    walk: Callable[[Visit], None]
    needs: frozenset[Need] = frozenset()
    after: str = ""


_SIGNED_IN = frozenset({Need.CUSTOMERS})
_ORDERING = frozenset({Need.CUSTOMERS, Need.PRODUCTS, Need.SALES})
_EDITING = frozenset({Need.PRODUCTS, Need.EDITS})
_TRADING = frozenset({Need.PARTNERS, Need.PRODUCTS, Need.SALES})

JOURNEYS = (
    Journey("ask whether it is there", customers.ask_for_health),
    Journey("sign in", customers.sign_in_both, _SIGNED_IN),
    Journey("browse the catalogue", customers.browse, frozenset({Need.CATALOGUE})),
    Journey("order, and follow the order", customers.order_and_follow, _ORDERING, after="sign in"),
    Journey("order what is declined", customers.order_what_is_declined, _ORDERING | {Need.SANDBOX}, after="sign in"),
    Journey("order what cannot be ordered", customers.order_what_cannot_be_ordered, _SIGNED_IN, after="sign in"),
    Journey("try it as a stranger", customers.try_as_a_stranger),
    Journey("pay by webhook", trade.pay_by_webhook, _ORDERING | {Need.SANDBOX}, after="sign in"),
    Journey("edit a product", trade.edit_a_product, _EDITING),
    Journey("edit without a signature", trade.edit_without_a_signature),
    Journey("order as a partner", trade.order_as_a_partner, _TRADING),
    Journey("try another partner's token", trade.try_another_token, frozenset({Need.PARTNERS})),
    Journey("chat with support", customers.chat_with_support, _SIGNED_IN, after="sign in"),
    Journey("order with the chat open", customers.order_with_the_chat_open, _ORDERING, after="chat with support"),
)
