"""The people and things that cases name. Only the events name them, so everything stored for them may be deleted."""

import json
import re
from collections.abc import Collection

from tools.replay.cases import Case

_ORDER = r"ord-[a-z2-7]{32}"


class Named:
    """The customers, partners, products, charges, and partitions of the chat's table that cases name."""

    def __init__(self, cases: Collection[Case]) -> None:
        # The ids of orders stand in the answers.
        texts = {case.name: json.dumps([case.event, case.answer, case.sends]) for case in cases}
        told = " ".join(text for name, text in texts.items() if name.startswith("deliver-order-status/"))
        text = " ".join(texts.values())
        orders = set(re.findall(_ORDER, text))
        connections = sorted(set(re.findall(r'"connectionId": "([^"]+)"', text)))
        # In bodies, which are JSON in JSON, the quotes are escaped.
        people = set(re.findall(r'\b(?:sub|customerId)\\*": ?(?:\{\\*"S\\*": ?)?\\*"([^"\\]+)', text))
        self.written = sorted({case.event["pathParameters"]["sku"] for case in cases if _writes_product(case)})
        self.partners = sorted(set(re.findall(r'"partnerId": (?:\{"stringValue": )?"([^"]+)"', text)))
        self.customers = sorted(people | {f"partner/{partner}" for partner in self.partners})
        self.charges = sorted(orders | set(re.findall(r"\bsample-[a-z0-9-]+", text)))
        self.connections = [f"connection#{connection}" for connection in connections]
        # The room that everybody may join keeps what others have said there.
        self.memberships = [
            {"pk": {"S": "room#support"}, "sk": {"S": f"member#{connection}"}} for connection in connections
        ]
        self.chat = sorted(
            {f"room#{room}" for room in re.findall(rf"\border-{_ORDER}", text)}
            | {f"sender#{customer}" for customer in people}
            | {f"order#{order}" for order in re.findall(_ORDER, told)}
        )


def _writes_product(case: Case) -> bool:
    return case.function == "put-product" and case.answer.get("statusCode") in (200, 201)
