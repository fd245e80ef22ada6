"""The TOKEN authorizer of the routes that are support's alone.

The Cognito authorizer would let every customer in. This one has Cognito check the access token, and asks for the groups
that its owner is in now: a member who is disabled, signed out everywhere or no longer in the group is refused at once.
It answers with a policy for the one method that was called and never raises, as the webhook's does.
"""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.accounts.access_token import AccessToken, parse
from storefront.accounts.user_pool import UserPool
from storefront.shared.aws import client
from storefront.shared.faults import count_fault_in
from storefront.shared.observability import logger

_GROUP = "support"

_users = UserPool(client("cognito-idp"), os.environ["USER_POOL_ID"], os.environ["USER_POOL_CLIENT_ID"])


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Allow members of support; refuse everybody else."""
    try:
        member = _member_in(event["authorizationToken"])
    except Exception as error:
        # Not known to be good is not good.
        logger.exception("token could not be checked")
        count_fault_in(error)
        member = None
    effect, member_id = ("Allow", member.user_id) if member else ("Deny", "nobody")
    logger.info("support authorized", extra={"effect": effect, "member_id": member_id})
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": event.get("methodArn") or "*"}
    return {
        "principalId": member_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": {"memberId": member.user_id} if member else {},
    }


def _member_in(authorization: str) -> AccessToken | None:
    token = parse(authorization)
    if token and _users.has_issued(token) and _GROUP in _users.groups_of(token.user_name):
        return token
    return None
