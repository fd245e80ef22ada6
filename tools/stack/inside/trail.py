"""CloudTrail's event history: the emulator records calls, and names those of REST services by their verb alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session

_REST = ("apigateway", "lambda")
_PARAMETER = re.compile(r"\\\{\w+(\\\+)?\\\}")


def named_as_by_aws(event_name: Callable[..., str]) -> Callable[..., str]:
    """Name a call of API Gateway or Lambda after its operation, as CloudTrail does: UpdateRestApi.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/cloudtrail.html
    """

    def name(service: str, method: str, path: str, *rest: Any) -> str:
        found = (operation for pattern, operation in _operations(service, method) if pattern.fullmatch(path))
        return next(found, "") or event_name(service, method, path, *rest)

    return name


@cache
def _operations(service: str, method: str) -> list[tuple[re.Pattern[str], str]]:
    if service not in _REST:
        return []
    model = botocore.session.Session().get_service_model(service)
    http = {name: model.operation_model(name).http for name in model.operation_names}
    paths = {name: one["requestUri"].partition("?")[0] for name, one in http.items() if one["method"] == method}
    return [(re.compile(_PARAMETER.sub("[^/]+", re.escape(path))), name) for name, path in paths.items()]
