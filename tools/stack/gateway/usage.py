"""The usage records of a plan: how many requests each key has used of its quota, and how many remain.

GetUsage: https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsage.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1 as v1

Json = dict[str, Any]
_PARTS = 3  # /usageplans/PLAN/usage


def with_records(handle: Callable[..., Any]) -> Callable[..., Any]:
    """Know GetUsage, for today: what the emulator counts has no days."""

    async def handle_request(method: str, path: str, headers: Json, body: bytes, query: Json) -> Any:
        parts = path.strip("/").split("/")
        if method != "GET" or len(parts) != _PARTS or (parts[0], parts[2]) != ("usageplans", "usage"):
            return await handle(method, path, headers, body, query)
        plan = v1._usage_plans.get(parts[1])
        if plan is None:
            return await handle(method, f"/usageplans/{parts[1]}", headers, body, query)
        days = {name: (query.get(name) or [""])[0] for name in ("startDate", "endDate")}
        answer = {"usagePlanId": parts[1], **days, "values": _records(plan)}
        return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()

    return handle_request


def _records(plan: Json) -> Json:
    limit = int((plan.get("quota") or {}).get("limit") or 0)
    used = {key: count for (plan_id, key), (count, _) in v1._quota_state.items() if plan_id == plan["id"]}
    return {key: [[count, limit - count]] for key, count in used.items()}
