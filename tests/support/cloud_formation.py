"""CloudFormation and S3 on this machine, as far as `sam deploy` uses them: they keep what it uploads and asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

# Where `sam deploy` puts artifacts if it is given no bucket ("sam deploy", AWS SAM Developer Guide: --resolve-s3)
MANAGED_STACK, MANAGED_BUCKET = "aws-sam-cli-managed-default", "managed"
_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_MANAGED = (
    "<Stacks><member><StackStatus>CREATE_COMPLETE</StackStatus>"
    "<Tags><member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member></Tags>"
    f"<Outputs><member><OutputKey>SourceBucket</OutputKey><OutputValue>{MANAGED_BUCKET}</OutputValue></member></Outputs>"
    "</member></Stacks>"
)
# So `sam deploy` ends after the change set, and is content.
_EMPTY = "<Status>FAILED</Status><StatusReason>The submitted information didn't contain changes.</StatusReason>"


@dataclass(frozen=True)
class ChangeSet:
    """A change set as CloudFormation is asked for it; the template is at ``template_url`` or in ``template_body``."""

    stack: str
    role: str
    template_url: str
    template_body: str
    capabilities: list[str]
    parameters: dict[str, str]
    tags: dict[str, str]

    @classmethod
    def of(cls, form: dict[str, str]) -> ChangeSet:
        """Read CreateChangeSet's form."""
        return cls(
            form["StackName"],
            form.get("RoleARN", ""),
            form.get("TemplateURL", ""),
            form.get("TemplateBody", ""),
            _listed(form, "Capabilities.member.{}"),
            _paired(form, "Parameters.member.{}.Parameter"),
            _paired(form, "Tags.member.{}."),
        )


@dataclass
class CloudFormation:
    """The services; ``address`` is where they answer."""

    address: str
    change_sets: list[ChangeSet] = field(default_factory=list)
    uploads: dict[str, bytes] = field(default_factory=dict)

    def answer(self, form: dict[str, str]) -> tuple[int, str]:
        """Return status and body of an answer to CloudFormation's query protocol."""
        match form["Action"]:
            case "DescribeStacks" if form["StackName"] == MANAGED_STACK:
                return 200, _MANAGED
            case "DescribeStacks":
                message = f"Stack with id {form['StackName']} does not exist"
                return 400, f"<Code>ValidationError</Code><Message>{message}</Message>"
            case "CreateChangeSet":
                self.change_sets.append(ChangeSet.of(form))
                arn = "arn:aws:cloudformation:eu-west-1:123456789012"
                return 200, f"<Id>{arn}:changeSet/one/1</Id><StackId>{arn}:stack/one/1</StackId>"
            case "DescribeChangeSet":
                return 200, _EMPTY
        return 400, f"<Code>NotImplemented</Code><Message>{form['Action']} is not known here</Message>"


@contextmanager
def cloud_formation() -> Iterator[CloudFormation]:
    """Answer on a port of this machine for as long as the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    services = CloudFormation(f"http://127.0.0.1:{server.server_port}")
    server.services = services  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    # Before 1.1 it would let every upload wait a second for "100 Continue".
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        """Tell `sam deploy` that nothing has been uploaded before."""
        self._send(404, "")

    def do_PUT(self) -> None:
        """Keep an upload."""
        self.server.services.uploads[urlsplit(self.path).path] = self._body()  # type: ignore[attr-defined]
        self._send(200, "")

    def do_POST(self) -> None:
        """Answer as CloudFormation."""
        form = {key: values[0] for key, values in parse_qs(self._body().decode(), keep_blank_values=True).items()}
        status, body = self.server.services.answer(form)  # type: ignore[attr-defined]
        action = form["Action"]
        if status == 200:
            body = f"<{action}Result>{body}</{action}Result>"
            self._send(status, f'<{action}Response xmlns="{_NAMESPACE}">{body}</{action}Response>')
        else:
            body = f"<Error><Type>Sender</Type>{body}</Error>"
            self._send(status, f'<ErrorResponse xmlns="{_NAMESPACE}">{body}</ErrorResponse>')

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


def _listed(form: dict[str, str], key: str) -> list[str]:
    values = []
    while (name := key.format(len(values) + 1)) in form:
        values.append(form[name])
    return values


def _paired(form: dict[str, str], key: str) -> dict[str, str]:
    return dict(zip(_listed(form, f"{key}Key"), _listed(form, f"{key}Value"), strict=True))
