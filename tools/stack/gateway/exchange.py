"""One request on its way through the gateway, and what mappings may name of it."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import Any

from ministack.core.arn import execute_api_arn

from tools.stack.gateway import java, mapping

Json = dict[str, Any]
Answer = tuple[int, Json, bytes]
_STAGE_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")


class Exchange:
    """A request, and the stage, resource and method that it is for.

    Attributes
    ----------
    request
        The emulator's own record of it, from which it renders gateway responses.
    parameters
        Its path, query string and header parameters by their places, one value each.
    context
        The members of ``$context``.
    method
        The method that it is for, once it is found.
    authorizer
        The context that a Lambda authorizer returns, or the claims of a user pool's token.
    caller
        The identity of a caller who has signed.
    """

    def __init__(self, api_id: str, stage_name: str, request: Json, owner: tuple[str, str]) -> None:
        self.api_id, self.stage_name, self.owner, self.request = api_id, stage_name, owner, request
        self.verb, self.path = request["method"], request["path"]
        self.headers, self.query = request["headers"], request["query_params"]
        self.body: bytes = request["body"] or b""
        self.stage: Json = {}
        self.resource: Json = {}
        self.method: Json = {}
        self.authorizer: Json | None = None
        self.caller: Json | None = None
        self.started = time.time()
        self.integration_milliseconds: int | None = None
        self.cache_hit: bool | None = None
        self.parameters: Json = {"path": {}, "querystring": {}, "header": {}}
        self.parameters["querystring"] = {name: values[-1] for name, values in self.query.items()}
        self.parameters["header"] = {
            name: value if isinstance(value, str) else value[-1] for name, value in self.headers.items()
        }
        self._headers = {name.lower(): value for name, value in self.parameters["header"].items()}
        self.context = self._context()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")

    @property
    def arn(self) -> str:
        """The ARN of the method, with the path of its resource."""
        account, region = self.owner
        arn: str = execute_api_arn(region, account, self.api_id, self.stage_name, self.verb, self.resource["path"])
        return arn

    @property
    def integration(self) -> Json:
        """The method's integration."""
        found: Json = self.method["methodIntegration"]
        return found

    @property
    def variables(self) -> Json:
        """The stage's variables."""
        return self.stage.get("variables") or {}

    def found(self, resource: Json, method: Json, path_parameters: Json | None) -> None:
        """Take note of the resource and method that the request is for."""
        self.resource, self.method = resource, method
        self.parameters["path"] = path_parameters or {}
        self.request |= {"resource_path": resource["path"], "path_params": path_parameters or {}}
        self.context |= {"resourcePath": resource["path"], "resourceId": resource["id"]}

    def authorized(self, authorizer: Json | None) -> None:
        """Take note of what the authorizer says about the caller."""
        self.authorizer = authorizer
        self.context["authorizer"] = authorizer or {}

    def signed(self, caller: Json | None) -> None:
        """Take note of whose credentials have signed the request."""
        self.caller = caller
        self.context["identity"] |= caller or {}

    def header(self, name: str, default: str = "") -> str:
        """Return a header of the request, whatever the case of its name."""
        return str(self._headers.get(name.lower(), default))

    def filled(self, uri: str | None) -> str:
        """Fill stage variables into a URI.

        Stage variables: https://docs.aws.amazon.com/apigateway/latest/developerguide/aws-api-gateway-stage-variables-reference.html
        """
        return _STAGE_VARIABLE.sub(lambda match: str(self.variables.get(match[1], "")), uri or "")

    def value(self, source: str, answer: tuple[int, Json, str] | None = None) -> str:
        """Return what a parameter mapping names: a constant, a part of the request, context, variables or answer.

        Parameter mapping: https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-parameter-mapping.html
        """
        if source.startswith("'"):
            return source[1:-1]
        root, _, rest = source.partition(".")
        if root in {"context", "stageVariables"}:
            return str(dig(self.context if root == "context" else self.variables, rest, ""))
        _, place, *name = rest.split(".", 2)
        headers, body = (self.parameters["header"], self.text) if answer is None else answer[1:]
        if place == "body":
            found = mapping.value_at(f"$.{name[0]}" if name else "$", body)
            return json.dumps(found) if isinstance(found, dict | list) else java.text(found)
        if place == "header":
            return next((str(v) for n, v in headers.items() if n.lower() == name[0].lower()), "")
        return str(self.parameters[place].get(name[0], ""))

    def render(self, template: str, body: str) -> str:
        """Render a mapping template over a body."""
        return mapping.render(template, body, self.parameters, self.context, self.variables)

    def _context(self) -> Json:
        """``$context``: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html."""
        now = datetime.now(UTC)
        identifier = self.request["request_id"]
        return {
            "accountId": self.owner[0],
            "apiId": self.api_id,
            "stage": self.stage_name,
            "httpMethod": self.verb,
            "requestId": identifier,
            "extendedRequestId": identifier,
            "path": f"/{self.stage_name}{self.path}",
            "protocol": "HTTP/1.1",
            "domainName": self.header("host"),
            "domainPrefix": self.header("host").split(".")[0],
            "requestTime": f"{now:%d/%b/%Y:%H:%M:%S} +0000",
            "requestTimeEpoch": int(now.timestamp() * 1000),
            "identity": {"sourceIp": "127.0.0.1", "userAgent": self.header("user-agent")},
            "authorizer": {},
            "requestOverride": {place: mapping.Overrides() for place in ("path", "querystring", "header")},
            "responseOverride": mapping.Overrides(header=mapping.Overrides()),
        }


def dig(node: Any, path: str, default: Any) -> Any:
    """Return what stands at a path of names with points between them."""
    for part in path.split("."):
        if not isinstance(node, dict) or part not in node:
            return default
        node = node[part]
    return node
