"""The authorizer's answer to the gateway about a partner with a valid token.

"Output from an API Gateway Lambda authorizer", Amazon API Gateway Developer Guide. The gateway keeps the answer for
five minutes and holds the partner's other requests against it, so it names every partner route, not just the one asked
for, and nothing else.
"""

from typing import Any

from storefront.partners.token import Partner

# Each by its name: `*` stands for slashes too, and `*/partner/*` would also mean `GET/anything/partner/...`.
_METHODS = ("GET", "POST")


def answer_for(partner: Partner, method_arn: str) -> dict[str, Any]:
    """Return the answer for a partner: every partner route is theirs, or none where they have been revoked.

    Parameters
    ----------
    partner
        The caller; their token is good.
    method_arn
        The method called: `arn:...:<API>/<stage>/<method>/<path>`.
    """
    api, stage, _ = method_arn.split("/", 2)
    return {
        "principalId": partner.id,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny" if partner.revoked else "Allow",
                    "Action": "execute-api:Invoke",
                    "Resource": [f"{api}/{stage}/{method}/partner/*" for method in _METHODS],
                }
            ],
        },
        "context": {"partnerId": partner.id},
        # With the API key source AUTHORIZER this, not a header, decides whose usage plan the request counts for.
        "usageIdentifierKey": partner.api_key,
    }
