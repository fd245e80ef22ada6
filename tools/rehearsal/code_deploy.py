"""Plays CodeDeploy for the release hooks, which the emulator's functions look for on a port of this machine.

It knows the three operations that the hooks use, in CodeDeploy's protocol (JSON 1.1: the operation is in a header). It
is as strict as CodeDeploy with an unknown deployment, a hook's second verdict, and a status that is none.
"""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tools.console import Problem
from tools.stack.emulator import HOST

_APPLICATION = "storefront-local-releases"
_STATUSES = ("Succeeded", "Failed")

Json = dict[str, Any]


class Refused(Exception):
    """What CodeDeploy answers with an error; the text is its name."""


@dataclass
class Deployment:
    """A deployment: one function's alias goes from one version to another.

    Attributes
    ----------
    id
        Its id.
    app_spec
        What is released, as CloudFormation writes it.
    verdicts
        What hooks have reported, by the ids of their executions; `None` where one has not yet.
    """

    id: str
    app_spec: str
    verdicts: dict[str, str | None] = field(default_factory=dict)

    @property
    def revision(self) -> Json:
        """The name of the AppSpec; its content is asked for separately."""
        return {
            "revisionType": "AppSpecContent",
            "appSpecContent": {"sha256": hashlib.sha256(self.app_spec.encode()).hexdigest()},
        }

    def hook_event(self) -> Json:
        """Begin the execution of a hook and return what the hook is called with."""
        execution = str(uuid.uuid4())
        self.verdicts[execution] = None
        return {"DeploymentId": self.id, "LifecycleEventHookExecutionId": execution}


class CodeDeploy:
    """Answers the hooks, from `with` on until its end.

    Parameters
    ----------
    port
        The port where the functions look for it.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._deployments: dict[str, Deployment] = {}

    def __enter__(self) -> Self:
        try:
            self._server = ThreadingHTTPServer((HOST, self._port), _handler_for(self))
        except OSError:
            raise Problem("another rollout is going on, on this stack: wait until it ends") from None
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def deploy(self, function: str, current: str, target: str) -> Deployment:
        """Begin a deployment of a version and return it."""
        properties = {"Name": function, "Alias": "live", "CurrentVersion": current, "TargetVersion": target}
        resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
        app_spec = json.dumps({"version": 0.0, "Resources": [{function: resource}]})
        deployment = Deployment(f"d-{uuid.uuid4().hex[:9].upper()}", app_spec)
        self._deployments[deployment.id] = deployment
        return deployment

    def answer(self, operation: str, request: Json) -> Json:
        """Answer a call.

        Raises
        ------
        Refused
            CodeDeploy would not do it.
        """
        match operation:
            case "GetDeployment":
                deployment = self._deployment(request["deploymentId"])
                about = {"deploymentId": deployment.id, "applicationName": _APPLICATION}
                return {"deploymentInfo": about | {"revision": deployment.revision}}
            case "GetApplicationRevision":
                return self._revision(request["revision"])
            case "PutLifecycleEventHookExecutionStatus":
                return self._put_verdict(request)
        raise Refused("InvalidOperationException")

    def _deployment(self, deployment_id: str) -> Deployment:
        if deployment_id not in self._deployments:
            raise Refused("DeploymentDoesNotExistException")
        return self._deployments[deployment_id]

    def _revision(self, revision: Json) -> Json:
        for deployment in self._deployments.values():
            if deployment.revision == revision:
                content = {"appSpecContent": revision["appSpecContent"] | {"content": deployment.app_spec}}
                return {"applicationName": _APPLICATION, "revision": revision | content}
        raise Refused("RevisionDoesNotExistException")

    def _put_verdict(self, request: Json) -> Json:
        verdicts = self._deployment(request["deploymentId"]).verdicts
        execution = request["lifecycleEventHookExecutionId"]
        if execution not in verdicts:
            raise Refused("InvalidLifecycleEventHookExecutionIdException")
        if verdicts[execution]:
            raise Refused("LifecycleEventAlreadyCompletedException")
        if request["status"] not in _STATUSES:
            raise Refused("InvalidLifecycleEventHookExecutionStatusException")
        verdicts[execution] = request["status"]
        return {"lifecycleEventHookExecutionId": execution}


def _handler_for(code_deploy: CodeDeploy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            try:
                status, answer = HTTPStatus.OK, code_deploy.answer(operation, request)
            except Refused as refused:
                status, answer = HTTPStatus.BAD_REQUEST, {"__type": str(refused), "message": str(refused)}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: the rollout does."""

    return Handler
