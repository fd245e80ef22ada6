"""The back end of a method, chosen by the integration's type.

Choose an integration type:
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-integration-types.html
"""

from __future__ import annotations

import asyncio
import logging
import re
import time

from tools.stack.gateway import aws_service, http_endpoint, lambda_function, transformations
from tools.stack.gateway.exchange import Answer, Exchange
from tools.stack.gateway.mapping import MappingFailed
from tools.stack.gateway.permissions import NotAllowed
from tools.stack.gateway.refusals import Refusal

_logger = logging.getLogger("rest_gateway")
_STATUS = re.compile(rb"""["']?statusCode["']?\s*:\s*["']?(\d{3})""")
_PATIENCE_MILLISECONDS = 29_000


async def answer(exchange: Exchange) -> Answer | Refusal:
    """Call the back end, within the integration's timeout, and return the answer as the client gets it."""
    seconds = int(exchange.integration.get("timeoutInMillis") or _PATIENCE_MILLISECONDS) / 1000
    begun = time.perf_counter()
    try:
        if exchange.integration["type"] == "MOCK":
            return _mock(exchange)
        async with asyncio.timeout(seconds):
            return await _called(exchange, seconds)
    except TimeoutError:
        return Refusal("INTEGRATION_TIMEOUT", "Endpoint request timed out")
    except OSError as error:
        _logger.warning("%s %s: %s", exchange.verb, exchange.resource["path"], error)
        return Refusal("INTEGRATION_FAILURE", "Internal server error")
    except (MappingFailed, ValueError, KeyError, TypeError, NotAllowed) as error:
        _logger.warning("execution of %s %s failed: %s", exchange.verb, exchange.resource["path"], error)
        return Refusal("API_CONFIGURATION_ERROR", "Internal server error")
    finally:
        exchange.integration_milliseconds = round(1000 * (time.perf_counter() - begun))


def refused_for_its_media_type(exchange: Exchange) -> Refusal | None:
    """Refuse a body without a template, where the integration does not pass it through.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html
    """
    integration = exchange.integration
    behavior = integration.get("passthroughBehavior") or "WHEN_NO_MATCH"
    passes = behavior == "WHEN_NO_MATCH" or (behavior != "NEVER" and not integration.get("requestTemplates"))
    if passes or integration["type"].endswith("_PROXY") or transformations.template_for(exchange) is not None:
        return None
    return Refusal("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")


async def _called(exchange: Exchange, seconds: float) -> Answer | Refusal:
    kind = exchange.integration["type"]
    if kind in {"HTTP", "HTTP_PROXY"}:
        return await asyncio.to_thread(http_endpoint.called, exchange, kind == "HTTP_PROXY", seconds)
    uri = exchange.filled(exchange.integration["uri"])
    if ":lambda:path/" in uri:
        call = lambda_function.proxied if kind == "AWS_PROXY" else lambda_function.mapped
        return await call(exchange, uri)
    return await asyncio.to_thread(aws_service.called, exchange, uri, seconds)


def _mock(exchange: Exchange) -> Answer | Refusal:
    """Answer without a back end: the request's template says with which status, in JSON or nearly so.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-mock-integration.html
    """
    *_, body = transformations.request(exchange, False)
    status = _STATUS.search(body)
    if status is None:
        raise MappingFailed("a mock's template gives no statusCode")
    return transformations.answer(exchange, int(status[1]), {}, b"{}")
