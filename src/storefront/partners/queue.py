"""The queue that the gateway puts partners' orders on."""

from typing import Any

from storefront.identity import partner_id_of_message
from storefront.partners.intake import HandedIn
from storefront.shared.queue import correlation_id_of


def handed_in_of(record: dict[str, Any]) -> HandedIn:
    """Return what a partner has handed in, from an SQS record of a Lambda event.

    Raises
    ------
    MalformedMessage
        It does not come from the gateway.
    """
    return HandedIn(partner_id_of_message(record), correlation_id_of(record), record["body"])
