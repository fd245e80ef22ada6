"""The checks of a caller: the resource policy, the method's authorizer, and the usage plan of the caller's key.

How API Gateway combines a resource policy with each kind of authorizer:
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from ministack.core import iam_evaluator
from ministack.services import apigateway_v1 as v1

from tools.stack.gateway import permissions
from tools.stack.gateway.exchange import Exchange, dig
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_KEY = "usageIdentifierKey"
_UNCHANGED_IN_PATHS = "/:@!$&'()*+,;=~"


async def refused(exchange: Exchange) -> Any:
    """Ask the resource policy and the authorizer; keep what the authorizer says about the caller.

    An explicit deny of the policy comes before a Lambda authorizer, and the whole policy after a user pool. IAM's
    callers have been checked with the policy by the emulator, and it checks those whom no authorizer asks.
    """
    kind = (exchange.method.get("authorizationType") or "NONE").upper()
    if kind == "CUSTOM":
        by_policy = _refusal_of_policy(exchange)
        if by_policy is not None and "explicit deny" in by_policy.message:
            return by_policy
        authorizer = v1._authorizers_v1.get(exchange.api_id, {}).get(exchange.method.get("authorizerId") or "") or {}
        if (authorizer.get("type") or "").upper() == "REQUEST" and not _identified(exchange, authorizer):
            return Refusal("UNAUTHORIZED", "Unauthorized")
    place = (exchange.resource, exchange.headers, exchange.body, exchange.query, exchange.parameters["path"])
    refusal, found = await v1._authorize_request_v1(
        *(exchange.api_id, exchange.stage_name, exchange.method, exchange.verb, exchange.path),
        *(*place, _stage(exchange), *exchange.owner),
    )
    exchange.authorized(found)
    if kind == "AWS_IAM":
        exchange.signed(v1._iam_caller_identity(exchange.headers, exchange.query))
    return refusal or (_refusal_of_policy(exchange) if kind == "COGNITO_USER_POOLS" else None)


def with_the_resource_policy(_: Callable[..., str]) -> Callable[[Json, str], str]:
    """Evaluate the policy that a Lambda authorizer returns together with the resource policy.

    Table A of the page: a deny in one denies, and otherwise an allow in one allows.
    """

    def evaluate(policy: Json, arn: str) -> str:
        asked = iam_evaluator.EvalContext("*", "Anonymous", "", "execute-api:Invoke", arn, arn.split(":")[3])
        by_authorizer = iam_evaluator.evaluate(asked, [iam_evaluator.parse_policy_document(policy)]).decision
        asked.resource_arn = quote(arn, safe=_UNCHANGED_IN_PATHS)
        by_resource = iam_evaluator.evaluate_resource_policy(v1.rest_api_policy_for_arn(arn)[0], asked).decision
        return next((each for each in ("Deny", "Allow") if each in {by_authorizer, by_resource}), "NoMatch")

    return evaluate


def over_a_limit(exchange: Exchange) -> Any:
    """Ask the API key's usage plan and the stage's throttles.

    Choose an API key source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
    """
    api = v1._rest_apis.get(exchange.api_id)
    by_authorizer = api.get("apiKeySource", "HEADER") == "AUTHORIZER"
    key = str((exchange.authorizer or {}).get(_KEY, "")) if by_authorizer else exchange.header("x-api-key")
    if exchange.authorizer:
        exchange.authorized({name: value for name, value in exchange.authorizer.items() if name != _KEY})
    place = (exchange.api_id, exchange.stage_name)
    refusal, record = v1._check_api_key(exchange.method, *place, {"x-api-key": key})
    known = record or v1._resolve_api_key(key)
    if exchange.method.get("apiKeyRequired"):
        exchange.context["identity"] |= {"apiKey": key, "apiKeyId": (known or {}).get("id")}
    return (
        refusal
        or v1._check_throttle(exchange.stage, *place, exchange.resource["path"], exchange.verb, known)
        or v1._check_quota(record, *place)
    )


def asked_by_its_encoded_path(policy_error: Callable[..., Any]) -> Callable[..., Any]:
    """Ask the resource policy about the path as it was sent; decoded, a line break in it fits no pattern."""

    def anonymous_policy_error(api_id: str, stage_name: str, method: str, path: str, *owner: str) -> Any:
        return policy_error(api_id, stage_name, method, quote(path, safe=_UNCHANGED_IN_PATHS), *owner)

    return anonymous_policy_error


def allowed_and_with_its_key(invoke: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Call a Lambda authorizer if API Gateway may; keep the API key of its answer beside the context it is cached with.

    Without a result, the emulator answers with AUTHORIZER_CONFIGURATION_ERROR.
    """

    async def invoke_authorizer(authorizer: Json, event: Json, account: str, region: str) -> Any:
        if not permissions.may_call_authorizer(event["methodArn"].partition("/")[0], authorizer):
            return None
        result = await invoke(authorizer, event, account, region)
        policy = (result or {}).get("body")
        if isinstance(policy, dict) and policy.get(_KEY):
            policy["context"] = (policy.get("context") or {}) | {_KEY: policy[_KEY]}
        return result

    return invoke_authorizer


def found_in_the_context(resolve: Callable[..., Any]) -> Callable[..., Any]:
    """Find identity sources in the request's context, too; the emulator takes them for missing."""

    def resolved(sources: str, headers: Json, query: Json, stage: Json) -> Any:
        named = re.findall(r"context\.([\w.]+)", sources)
        variables = (stage.get("variables") or {}) | {name: dig(stage.get("context"), name, "") for name in named}
        as_variables = sources.replace("context.", "stageVariables.")
        return resolve(as_variables, headers, query, stage | {"variables": variables})

    return resolved


def taking_the_right_token(validate: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Take an ID token where the method has no scopes, and an access token where it has some.

    Any client of the pool may have got it, unless the authorizer's expression asks for others: it is held against
    ``aud``, which an access token has not.

    Integrate a REST API with a user pool: https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html
    """

    async def validate_token(authorizer: Json, method: Json, *request: Any) -> Any:
        claims, refusal = await validate(authorizer, method, *request)
        expected = "access" if method.get("authorizationScopes") else "id"
        of_client = re.compile(authorizer.get("identityValidationExpression") or ".*")
        if claims and (claims.get("token_use") != expected or not of_client.fullmatch(claims.get("aud", ""))):
            return None, Refusal("UNAUTHORIZED", "Unauthorized")
        return claims, refusal

    return validate_token


def joined_by_commas(stringify: Callable[[Json], Json]) -> Callable[[Json], Json]:
    """Pass a list among the claims, such as the groups, as AWS does: its words with commas between them."""

    def stringified(claims: Json) -> Json:
        lists = {name: ",".join(map(str, value)) for name, value in claims.items() if isinstance(value, list)}
        return stringify(claims | lists)

    return stringified


def in_the_api_s_shape(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """Answer a signed caller without rights by the API's gateway response; the emulator answers in its own shape."""

    def enforce_execute_api(api_id: str, stage: str, *rest: Any, **options: Any) -> Any:
        denied = enforce(api_id, stage, *rest, **options)
        if not denied or v1.find_api_scope(api_id) is None or "x-amzn-ErrorType" in denied[1]:
            return denied
        message = _message(denied[2])
        failure = v1.authentication_error_response(api_id, stage, _AsDenied(message), rest[2], rest[3])
        return failure or denied

    return enforce_execute_api


class _AsDenied:
    """A refusal that the emulator takes for a failed authentication, and renders by its code."""

    code = "AccessDenied"

    def __init__(self, message: str) -> None:
        self.message = message


def with_access_denied(kinds: Json) -> Json:
    """Add the denial of a caller that is known to the failures that the emulator renders as gateway responses."""
    return kinds | {_AsDenied.code: ("ACCESS_DENIED", "AccessDeniedException")}


def _message(body: bytes) -> str:
    try:
        read = json.loads(body)
    except ValueError:
        return "Forbidden"
    return str(read.get("message") or read.get("Message") or "Forbidden")


def _refusal_of_policy(exchange: Exchange) -> Any:
    place = (exchange.api_id, exchange.stage_name, exchange.verb, exchange.path)
    return v1._anonymous_policy_error(*place, *exchange.owner)


def _identified(exchange: Exchange, authorizer: Json) -> bool:
    """Whether all identity sources are there; if one is not, the authorizer is not called.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/configure-api-gateway-lambda-authorization.html
    """
    sources = authorizer.get("identitySource") or ""
    present, _ = v1._request_identity_sources(sources, exchange.headers, exchange.query, _stage(exchange))
    return bool(present)


def _stage(exchange: Exchange) -> Json:
    """Return the stage together with the request's context, in which identity sources are found."""
    return exchange.stage | {"context": exchange.context}
