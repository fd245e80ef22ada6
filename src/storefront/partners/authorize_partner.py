"""The TOKEN authorizer of `/partner/*`.

Its three answers are 401 (no good token), 403 (a good one, of a partner who has been revoked) and a policy. The gateway
takes an exception with the very text `Unauthorized` for a 401, and any other for a 500 ("Input to an API Gateway Lambda
authorizer" and "Output from an API Gateway Lambda authorizer", Amazon API Gateway Developer Guide); so whatever goes
wrong in here ends as that text.
"""

import os
import re
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.partners.policy import answer_for
from storefront.partners.store import PartnerStore
from storefront.partners.token import Partner, parse
from storefront.shared import clock
from storefront.shared.aws import client
from storefront.shared.faults import count_fault_in
from storefront.shared.observability import logger

_partners = PartnerStore(client("dynamodb"), os.environ["PARTNERS_TABLE"])

# RFC 9110, section 11.4: the scheme in any case, then spaces
_CREDENTIALS = re.compile("(?i:bearer) +([^ ]+)")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer what the holder of a token may call."""
    try:
        partner = _owner_of(event["authorizationToken"])
        answer = answer_for(partner, event["methodArn"]) if partner else None
    except Exception as error:
        # Not known to be good is not good.
        logger.exception("token could not be checked")
        count_fault_in(error)
        answer = None
    if answer is None:
        raise Exception("Unauthorized")  # noqa: TRY002 - only its text counts
    return answer


def _owner_of(authorization: str) -> Partner | None:
    """Return the partner whose good token a header's value holds."""
    credentials = _CREDENTIALS.fullmatch(authorization)
    token = parse(credentials[1]) if credentials else None
    partner = _partners.get(token.partner_id) if token else None
    if token is None or partner is None or not partner.owns(token, clock.now()):
        logger.info("token refused", extra={"known": partner is not None})
        return None
    logger.info("token accepted", extra={"partner_id": partner.id, "revoked": partner.revoked})
    return partner
