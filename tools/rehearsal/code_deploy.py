"""Plays CodeDeploy for the release hooks, which the emulator's functions look for on a port of this machine."""

import json
import threading
import uuid
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tools.console import Problem
from tools.rehearsal.deployment import Deployment, Refused
from tools.stack.emulator import HOST


class CodeDeploy:
    """Answers the hooks on a port, from `with` on until its end, about the deployment that has begun."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.deployment: Deployment | None = None

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

    def deploy(self, function: str, version: str) -> Deployment:
        """Begin the deployment of a version and return it."""
        self.deployment = Deployment(f"d-{uuid.uuid4().hex[:9].upper()}", function, version)
        return self.deployment


def _handler_for(code_deploy: CodeDeploy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Speaks CodeDeploy's protocol, JSON 1.1: the operation is in a header."""

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            try:
                if code_deploy.deployment is None:
                    raise Refused("DeploymentDoesNotExistException")  # noqa: TRY301 - as its own refusals
                status, answer = HTTPStatus.OK, code_deploy.deployment.answer(operation, request)
            except Refused as refused:
                status, answer = HTTPStatus.BAD_REQUEST, {"__type": str(refused), "message": str(refused)}
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Say nothing: the rollout does."""

    return Handler
