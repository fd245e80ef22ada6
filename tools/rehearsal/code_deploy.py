"""Plays CodeDeploy for the release hooks: the emulator's functions look for it on a port of this machine."""

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
_REVISION = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "the hash of its AppSpec"}}

Json = dict[str, Any]


class Refused(Exception):
    """CodeDeploy answers with an error; the text is its name."""


@dataclass(frozen=True)
class Deployment:
    """One of one version; ``verdicts`` has a hook's verdict by its execution, `None` until the hook has reported."""

    id: str
    function: str
    version: str
    verdicts: dict[str, str | None] = field(default_factory=dict)

    def hook_event(self) -> Json:
        """Begin the execution of a hook and return the hook's event."""
        execution = str(uuid.uuid4())
        self.verdicts[execution] = None
        return {"DeploymentId": self.id, "LifecycleEventHookExecutionId": execution}

    def answer(self, operation: str, request: Json) -> Json:
        """Answer one of the hooks' three operations as strictly as CodeDeploy, or raise `Refused`."""
        if request.get("deploymentId", self.id) != self.id:
            raise Refused("DeploymentDoesNotExistException")
        match operation:
            case "GetDeployment":
                about = {"deploymentId": self.id, "applicationName": _APPLICATION, "revision": _REVISION}
                return {"deploymentInfo": about}
            case "GetApplicationRevision" if request["revision"] == _REVISION:
                content = _REVISION["appSpecContent"] | {"content": self._app_spec()}  # type: ignore[operator]
                return {"applicationName": _APPLICATION, "revision": _REVISION | {"appSpecContent": content}}
            case "GetApplicationRevision":
                raise Refused("RevisionDoesNotExistException")
            case "PutLifecycleEventHookExecutionStatus":
                return self._put_verdict(request["lifecycleEventHookExecutionId"], request["status"])
        raise Refused("InvalidOperationException")

    def _app_spec(self) -> str:
        """Return the AppSpec as CloudFormation writes it."""
        properties = {"Name": self.function, "Alias": "live", "TargetVersion": self.version}
        resource = {"Type": "AWS::Lambda::Function", "Properties": properties}
        return json.dumps({"version": 0.0, "Resources": [{self.function: resource}]})

    def _put_verdict(self, execution: str, verdict: str) -> Json:
        if execution not in self.verdicts:
            raise Refused("InvalidLifecycleEventHookExecutionIdException")
        if self.verdicts[execution]:
            raise Refused("LifecycleEventAlreadyCompletedException")
        if verdict not in ("Succeeded", "Failed"):
            raise Refused("InvalidLifecycleEventHookExecutionStatusException")
        self.verdicts[execution] = verdict
        return {"lifecycleEventHookExecutionId": execution}


class CodeDeploy(ThreadingHTTPServer):
    """Answers the hooks on a port, from `with` on until its end, about the deployment that has begun."""

    deployment: Deployment | None = None

    def __init__(self, port: int) -> None:
        try:
            super().__init__((HOST, port), _Conversation)
        except OSError:
            raise Problem("another rollout is going on, on this stack: wait until it ends") from None

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def deploy(self, function: str, version: str) -> Deployment:
        """Begin the deployment of a version and return it."""
        self.deployment = Deployment(f"d-{uuid.uuid4().hex[:9].upper()}", function, version)
        return self.deployment


class _Conversation(BaseHTTPRequestHandler):
    """Speaks CodeDeploy's protocol, JSON 1.1: the operation is in a header."""

    server: CodeDeploy

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        try:
            if self.server.deployment is None:
                raise Refused("DeploymentDoesNotExistException")  # noqa: TRY301 - as its own refusals
            status, answer = HTTPStatus.OK, self.server.deployment.answer(operation, request)
        except Refused as refused:
            status, answer = HTTPStatus.BAD_REQUEST, {"__type": str(refused), "message": str(refused)}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: the rollout does."""
