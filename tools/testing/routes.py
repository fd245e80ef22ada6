"""Every route there is, by the documents that make it: a new one cannot be forgotten."""

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tools.testing.template import openapi, source

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def rest_routes() -> list[str]:
    """Return the routes of the REST API, such as `GET /orders`."""
    paths = openapi()["paths"].items()
    return [f"{method.upper()} {path}" for path, item in paths for method in _METHODS if method in item]


def rest_handlers() -> dict[str, str]:
    """Return the functions that get the requests of their routes as they are, as dotted names."""
    handlers = {}
    for route in rest_routes():
        method, path = route.split()
        integration = openapi()["paths"][path][method.lower()]["x-amazon-apigateway-integration"]
        if integration["type"] == "aws_proxy":
            (function,) = re.findall(r"/functions/\$\{(\w+)\.Alias\}/", integration["uri"]["Fn::Sub"])
            handlers[route] = _handler_of(function)
    return handlers


def chat_handlers() -> dict[str, str]:
    """Return the functions behind the routes of the chat, as dotted names."""
    routes = source()["Resources"]["ChatApi"]["Properties"]["Routes"]
    return {route: _handler_of(target["FunctionArn"]["Ref"].removesuffix(".Alias")) for route, target in routes.items()}


def function_behind(handler: str) -> Handler:
    """Return a handler by its dotted name. It is imported now: it makes its clients at that moment."""
    module, _, name = handler.rpartition(".")
    function: Handler = getattr(import_module(module), name)
    return function


def _handler_of(function: str) -> str:
    handler: str = source()["Resources"][function]["Properties"]["Handler"]
    return handler
