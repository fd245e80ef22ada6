"""A deployment is a snapshot of the API; a stage serves one of them, and what is not deployed is not live.

Deploy REST APIs in API Gateway:
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ministack.core import responses
from ministack.services import apigateway_v1 as v1

Json = dict[str, Any]
# The parts of an API in a deployment; stages, keys and usage plans are outside of it.
STORES = ("_rest_apis", "_resources", "_authorizers_v1", "_models", "_request_validators", "_gateway_responses")
_snapshots: dict[tuple[str, str], dict[str, Any]] = {}
_served: ContextVar[tuple[str, dict[str, Any]] | None] = ContextVar("_served", default=None)


def answering_as_deployed(store_name: str) -> Callable[[Any], Any]:
    """Return what makes one of the emulator's stores answer, while a request is served, with what is deployed."""

    def replacement(store: Any) -> Any:
        view = _View()
        view.name, view._data = store_name, store._data
        return view

    return replacement


class _View(responses.AccountRegionScopedDict):  # type: ignore[misc]
    name: str

    def _deployed(self, key: str) -> Any:
        served = _served.get()
        return served[1][self.name] if served and served[0] == key else None

    def __getitem__(self, key: str) -> Any:
        deployed = self._deployed(key)
        return super().__getitem__(key) if deployed is None else deployed

    def get(self, key: str, default: Any = None) -> Any:
        deployed = self._deployed(key)
        return super().get(key, default) if deployed is None else deployed

    def get_scoped(self, account: str, region: str, key: str, default: Any = None) -> Any:
        deployed = self._deployed(key)
        return super().get_scoped(account, region, key, default) if deployed is None else deployed


@contextmanager
def served(api_id: str, deployment_id: str | None) -> Iterator[None]:
    """Have the stores answer for an API with a deployment of it."""
    snapshot = _snapshots.get((api_id, deployment_id or ""))
    token = _served.set((api_id, snapshot) if snapshot else None)
    try:
        yield
    finally:
        _served.reset(token)


def served_by_stage(question: Callable[..., Any]) -> Callable[..., Any]:
    """Let the emulator answer a question about a method of a stage with what the stage serves."""

    def answer(api_id: str, stage_name: str, *rest: Any) -> Any:
        stage = v1.stages_for_api(api_id).get(stage_name) or {} if v1.find_api_scope(api_id) else {}
        with served(api_id, stage.get("deploymentId")):
            return question(api_id, stage_name, *rest)

    return answer


def kept(create_deployment: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a snapshot with each deployment; one for a canary goes to the stage's canary and nowhere else.

    Create a canary release deployment:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/create-canary-deployment.html
    """

    def create(api_id: str, data: Json) -> Any:
        canary, stage_name = data.get("canarySettings"), data.get("stageName", "")
        stage = v1._stages_v1.get(api_id, {}).get(stage_name)
        answer = create_deployment(api_id, data | {"stageName": None} if canary and stage else data)
        deployment = json.loads(answer[2])
        if "id" in deployment:
            _snapshots[api_id, deployment["id"]] = {
                name: copy.deepcopy(getattr(v1, name).get(api_id, {})) for name in STORES
            }
            if canary and stage:
                stage["canarySettings"] = canary | {"deploymentId": deployment["id"]}
        return answer

    return create


def forgotten(delete_deployment: Callable[..., Any]) -> Callable[..., Any]:
    """Forget the snapshot of a deployment that is deleted."""

    def delete(api_id: str, deployment_id: str) -> Any:
        _snapshots.pop((api_id, deployment_id), None)
        return delete_deployment(api_id, deployment_id)

    return delete
