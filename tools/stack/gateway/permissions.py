"""Whether API Gateway may use a function, or a role.

API Gateway permissions model for invoking an API:
https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import apigateway_v1, iam, lambda_svc

Json = dict[str, Any]
_API_GATEWAY = "apigateway.amazonaws.com"
_INVOKE = "lambda:InvokeFunction"
_logger = logging.getLogger("permissions")


class NotAllowed(Exception):
    """API Gateway may not do what the API asks for; the client gets 500, and the log the reason."""


def check_invocation(function: str, source: str, role: str | None = None) -> None:
    """Ask the function's resource policy, or where a role is named, the role's policies.

    Parameters
    ----------
    function
        ARN of the function as the API names it; a permission counts for the same version or alias only.
    source
        ARN of the method, route or authorizer that calls, which ``AWS:SourceArn`` of a permission must match.

    Raises
    ------
    NotAllowed
        If neither lets API Gateway in:
        https://repost.aws/knowledge-center/api-gateway-rest-api-lambda-integrations
    """
    _, _, _, region, account, *_ = source.split(":", 5)
    caller = {"aws:sourcearn": source, "aws:sourceaccount": account}
    asked = iam_evaluator.EvalContext(role or "", "Service", account, _INVOKE, function, region, service_context=caller)
    if role:
        trust(role)
        policies = iam_evaluator._gather_role_policies(role.rpartition("/")[2], account)
        answer = iam_evaluator.evaluate(asked, policies)
    else:
        policy, _ = lambda_svc.function_policy_for_arn(function) or (None, account)
        answer = iam_evaluator.evaluate_resource_policy(policy, asked, service=_API_GATEWAY)
    if answer.decision != "Allow":
        raise NotAllowed("Execution failed due to configuration error: Invalid permissions on Lambda function")


def may_call_authorizer(api: str, authorizer: Json) -> bool:
    """Whether API Gateway may call an authorizer's function; the log says why not.

    Parameters
    ----------
    api
        ARN of the API.
    authorizer
        As the emulator keeps it; HTTP and WebSocket APIs name its id and role otherwise than REST APIs.
    """
    function = apigateway_v1._extract_lambda_ref_from_integration_uri(authorizer["authorizerUri"])
    name = authorizer.get("id") or authorizer["authorizerId"]
    role = authorizer.get("authorizerCredentials") or authorizer.get("authorizerCredentialsArn")
    try:
        check_invocation(function, f"{api}/authorizers/{name}", role)
    except NotAllowed as error:
        _logger.warning("authorizer %s: %s", authorizer["name"], error)
        return False
    return True


def trust(role: str) -> None:
    """Check that a role is there, and lets API Gateway assume it.

    Raises
    ------
    NotAllowed
        If it does not.
    """
    found = iam._roles.get_scoped(role.split(":")[4], None, role.rpartition("/")[2]) or {}
    document: Json | str = found.get("AssumeRolePolicyDocument") or {}
    statements = (json.loads(document) if isinstance(document, str) else document).get("Statement") or []
    for each in statements if isinstance(statements, list) else [statements]:
        if each.get("Effect") == "Allow" and iam_evaluator._service_principal_matches(
            each.get("Principal"), _API_GATEWAY
        ):
            return
    raise NotAllowed(f"{role} is not there, or {_API_GATEWAY} may not assume it")
