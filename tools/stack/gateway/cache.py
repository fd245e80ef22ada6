"""The stage's cache: answers to GET, for a time, by the parameters that are its keys.

Cache settings for REST APIs:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-caching.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack import app
from ministack.services import apigateway_v1 as v1

from tools.stack.gateway import stages
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.refusals import Refusal

Json = dict[str, Any]
_DEFAULT_SECONDS = 300
_FIRST_ERROR = 300
_ACCEPTED = 202
_WARNING = {"Warning": "199 Cache-control headers were ignored because the caller was unauthorized."}
_kept: dict[tuple[str, ...], tuple[float, Answer]] = {}


async def through(exchange: Exchange, answer: Callable[[], Awaitable[Answer | Refusal]]) -> Answer | Refusal:
    """Answer from the cache if the stage has one for this method; keep a good answer in it."""
    path, verb = exchange.resource["path"], exchange.verb
    # The stage's setting is for GET alone; another method has a cache only if its own setting says so.
    setting = stages.setting(exchange.stage, path, verb, whole_stage=verb == "GET")
    if not exchange.stage.get("cacheClusterEnabled") or not setting.get("cachingEnabled"):
        return await answer()
    names = exchange.integration.get("cacheKeyParameters") or []
    key = (exchange.api_id, exchange.stage_name, path, verb, *(exchange.value(name) for name in names))
    added: Json = {}
    if "max-age=0" in exchange.header("cache-control"):
        strategy = setting.get("unauthorizedCacheControlHeaderStrategy")
        if not setting.get("requireAuthorizationForCacheControl", True) or _may_invalidate(exchange):
            _kept.pop(key, None)
        elif strategy == "FAIL_WITH_403":
            return Refusal("ACCESS_DENIED", "User is not authorized to invalidate the cache")
        elif strategy != "SUCCEED_WITHOUT_RESPONSE_HEADER":
            added = _WARNING
    until, kept = _kept.get(key, (0.0, None))
    exchange.cache_hit = kept is not None and until > time.time()
    if not exchange.cache_hit:
        got = await answer()
        if not isinstance(got, tuple) or got[0] >= _FIRST_ERROR:
            return got
        _kept[key] = (time.time() + int(setting.get("cacheTtlInSeconds", _DEFAULT_SECONDS)), got)
    status, headers, body = _kept[key][1]
    return status, headers | added, body


def flush(api_id: str, stage_name: str) -> None:
    """Forget everything that is kept for a stage."""
    for key in [key for key in _kept if key[:2] == (api_id, stage_name)]:
        del _kept[key]


def with_flushes(handle: Callable[..., Any]) -> Callable[..., Any]:
    """Know FlushStageCache and FlushStageAuthorizersCache.

    https://docs.aws.amazon.com/apigateway/latest/api/API_FlushStageCache.html
    """

    async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Any:
        parts = path.strip("/").split("/")
        if method != "DELETE" or parts[0] != "restapis" or parts[-2:-1] != ["cache"]:
            return await handle(method, path, headers, body, query)
        api_id, stage = parts[1], parts[3]
        if stage not in v1._stages_v1.get(api_id, {}):
            failed = {"__type": "NotFoundException", "message": "Invalid stage identifier specified"}
            return 404, {"Content-Type": "application/json"}, json.dumps(failed).encode()
        if parts[-1] == "authorizers":
            for key in [key for key in v1._authorizer_cache if key[2] == api_id and key[4] == stage]:
                del v1._authorizer_cache[key]
        else:
            flush(api_id, stage)
        return _ACCEPTED, {}, b""

    return handle_request


def _may_invalidate(exchange: Exchange) -> bool:
    """Whether the caller is signed, and may ``execute-api:InvalidateCache``."""
    if not exchange.header("authorization").startswith("AWS4-"):
        return False
    denied = app._enforce_execute_api(
        *(exchange.api_id, exchange.stage_name, exchange.verb, exchange.path, exchange.headers, exchange.query),
        iam_action="execute-api:InvalidateCache",
    )
    return not denied
