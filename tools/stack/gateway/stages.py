"""A stage: its settings, its canary, and the weights of the aliases that it calls.

Stage settings: https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-stage-settings.html
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from ministack.services import apigateway_v1 as v1

Json = dict[str, Any]
_PER_CENT = 100


def chosen(stage: Json) -> Json:
    """Return the stage for one request: the canary takes its share, with its deployment and its variables.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/canary-release.html
    """
    canary = stage.get("canarySettings") or {}
    if random.random() * _PER_CENT >= float(canary.get("percentTraffic") or 0):  # noqa: S311
        return stage
    variables = (stage.get("variables") or {}) | (canary.get("stageVariableOverrides") or {})
    return stage | {"variables": variables, "deploymentId": canary.get("deploymentId") or stage.get("deploymentId")}


def setting(stage: Json, path: str, verb: str, whole_stage: bool = True) -> Json:
    """Return the settings of a method, or those of the whole stage."""
    settings = stage.get("methodSettings") or {}
    encoded = f"/{path.replace('/', '~1')}"  # as a template has it
    names = [f"{path}/{verb}", f"{path.lstrip('/')}/{verb}", f"{encoded}/{verb}", *(["*/*"] if whole_stage else [])]
    found: Json = next((settings[name] for name in names if name in settings), {})
    return found


def whole(deploy: Callable[..., Any]) -> Callable[..., Any]:
    """Take from a template's stage, new or changed, what the emulator leaves out: cache, access log, canary.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-stage.html
    """

    def deploy_stage(*arguments: Any) -> Any:
        answer = deploy(*arguments)
        _complete(arguments[-2])  # the new properties, before the stack's name
        return answer

    return deploy_stage


def with_copies(apply_patch: Callable[..., None]) -> Callable[..., None]:
    """Know the operation ``copy``, with which a canary is promoted: its deployment and variables become the stage's."""

    def patch(stage: Json, operations: list[Json]) -> None:
        for operation in operations:
            if operation.get("op") == "copy":
                source: Any = stage
                for part in operation["from"].strip("/").split("/"):
                    source = source.get(part) or {}
                variables = stage.get("variables") or {}
                value = variables | source if isinstance(source, dict) else source
                apply_patch(stage, [{"op": "replace", "path": operation["path"], "value": value}])
            else:
                apply_patch(stage, [operation])

    return patch


def by_weight(effective: Callable[..., Any]) -> Callable[..., Any]:
    """Choose one of an alias's two versions for each invocation, by their weights.

    https://docs.aws.amazon.com/lambda/latest/dg/configuring-alias-routing.html
    """

    def function_record(function: Json | None, qualifier: str | None) -> Any:
        alias = (function or {}).get("aliases", {}).get(qualifier) or {}
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        drawn = random.random()  # noqa: S311
        for version, weight in weights.items():
            if drawn < float(weight):
                return effective(function, version)
            drawn -= float(weight)
        return effective(function, qualifier)

    return function_record


def _complete(properties: Json) -> None:
    stage = v1._stages_v1[properties["RestApiId"]][properties["StageName"]]
    stage["cacheClusterEnabled"] = str(properties.get("CacheClusterEnabled", False)).lower() == "true"
    log = properties.get("AccessLogSetting") or {}
    stage["accessLogSettings"] = {name[0].lower() + name[1:]: value for name, value in log.items()}
    if canary := properties.get("CanarySetting"):
        stage["canarySettings"] = {name[0].lower() + name[1:]: value for name, value in canary.items()}
    else:
        stage.pop("canarySettings", None)
