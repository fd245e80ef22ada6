"""The queue that the gateway puts partners' orders on."""

from typing import Any

from storefront.partners.intake import HandedIn
from storefront.shared.queue import MalformedMessage, attribute_of, correlation_id_of


def handed_in_of(record: dict[str, Any]) -> HandedIn:
    """Return what a partner has handed in, from an SQS record of a Lambda event.

    The partner is the one that the gateway has named beside the body, whatever the body says.

    Raises
    ------
    MalformedMessage
        The gateway has named none: it did not send this.
    """
    partner_id = attribute_of(record, "partnerId")
    if not partner_id:
        raise MalformedMessage("a message that does not say which partner it is from")
    return HandedIn(partner_id, correlation_id_of(record), record["body"])
