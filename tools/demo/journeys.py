"""The journeys through the shop: the tour shows them, the smoke test makes those that a stack allows."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tools.demo import steps
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
    """Steps that make sense without other journeys, but the one ``after`` which they come.

    ``walk`` makes them, and raises a ``Problem`` where something is not as it must be.
    """

    name: str
    walk: Callable[[Visit], None]
    needs: frozenset[Need] = frozenset()
    after: str = ""


_SIGNED_IN = frozenset({Need.CUSTOMERS})
_ORDERING = _SIGNED_IN | {Need.PRODUCTS, Need.SALES}
_PAYING = _ORDERING | {Need.SANDBOX}
_TRADING = frozenset({Need.PARTNERS, Need.PRODUCTS, Need.SALES})

JOURNEYS = (
    Journey("ask whether it is there", steps.ask_for_health),
    Journey("sign in", steps.sign_in_both, _SIGNED_IN),
    Journey("browse the catalogue", steps.browse, frozenset({Need.CATALOGUE})),
    Journey("order, and follow the order", steps.order_and_follow, _ORDERING, after="sign in"),
    Journey("order what is declined", steps.order_what_is_declined, _PAYING, after="sign in"),
    Journey("order what cannot be ordered", steps.order_what_cannot_be_ordered, _SIGNED_IN, after="sign in"),
    Journey("try it as a stranger", steps.try_as_a_stranger),
    Journey("pay by webhook", steps.pay_by_webhook, _PAYING, after="sign in"),
    Journey("edit a product", steps.edit_a_product, frozenset({Need.PRODUCTS, Need.EDITS})),
    Journey("edit without a signature", steps.edit_without_a_signature),
    Journey("order as a partner", steps.order_as_a_partner, _TRADING),
    Journey("try another partner's token", steps.try_another_token, frozenset({Need.PARTNERS})),
    Journey("chat with support", steps.chat_with_support, _SIGNED_IN, after="sign in"),
    Journey("order with the chat open", steps.order_with_the_chat_open, _ORDERING, after="chat with support"),
)
