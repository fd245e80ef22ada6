"""The people and things that the events name. Nobody else has their ids: all that is stored for them may be deleted."""

import json
import re
from collections.abc import Collection

from tools.replay.cases import Case

_IDS = (
    r"\b(ord-[a-z2-7]{32})",
    r"\b(sample-[a-z0-9-]+)",  # a charge's idempotency key
    r'"connectionId": "([^"]+)"',
    r'"partnerId": (?:\{"stringValue": )?"([^"]+)"',
    # A customer's. In bodies, which are JSON in JSON, the quotes are escaped.
    r'\b(?:sub|customerId)\\*": ?(?:\{\\*"S\\*": ?)?\\*"([^"\\]+)',
)


class Named:
    """The ids that cases name, and the products that they write."""

    def __init__(self, cases: Collection[Case]) -> None:
        # The ids of orders stand in the answers.
        text = json.dumps([[case.event, case.answer, case.sends] for case in cases])
        self.ids = frozenset(name for pattern in _IDS for name in re.findall(pattern, text))
        self.products = sorted({case.event["pathParameters"]["sku"] for case in cases if _writes_product(case)})

    def has(self, *keys: str) -> bool:
        """Tell whether an item with these keys is stored for somebody whom the cases name."""
        return any(name in key for key in keys for name in self.ids)


def _writes_product(case: Case) -> bool:
    return case.function == "put-product" and case.answer.get("statusCode") in (200, 201)
