"""Operations of CloudWatch Logs that the emulator lacks, or has for the simplest requests only; each names its page.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core import responses
from ministack.services import cloudwatch_logs as logs

from tools.stack.cloudwatch_logs import query
from tools.stack.cloudwatch_logs.events import as_row
from tools.stack.cloudwatch_logs.expressions import Malformed
from tools.stack.cloudwatch_logs.filter_pattern import InvalidPattern, compiled

Json = dict[str, Any]
_MOST_ROWS = 10_000
_TYPE = "AWS::Logs::QueryDefinition"
_definitions: Json = responses.AccountRegionScopedDict()


def with_more_operations(handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Answer the operations below, and refuse what cannot be read."""

    async def handle_request(method: str, path: str, headers: Json, body: bytes, query_params: Json) -> Any:
        operation = _OPERATIONS.get(headers.get("x-amz-target", "").rpartition(".")[2])
        try:
            return operation(json.loads(body)) if operation else await handle(method, path, headers, body, query_params)
        except InvalidPattern as error:
            return responses.error_response_json("InvalidParameterException", str(error))
        except Malformed as error:
            return responses.error_response_json("MalformedQueryException", str(error))

    return handle_request


def with_saved_queries(handlers: Json) -> Json:
    """Know the saved queries of a template.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-logs-querydefinition.html
    """
    handlers[_TYPE] = {"create": _created, "update": _updated, "delete": _deleted}
    return handlers


def start_query(_: Callable[[Json], Any]) -> Callable[[Json], Any]:
    """Run a query at once, and keep its result.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
    """

    def start(request: Json) -> Any:
        groups = logs._resolve_query_log_groups(request)
        missing = [name for name in groups if name not in logs._log_groups]
        if missing or not groups:
            return responses.error_response_json("ResourceNotFoundException", f"Log group '{missing}' does not exist.")
        run = query.compiled(request["queryString"])
        records = logs._collect_query_records(groups, request["startTime"], request["endTime"])
        result = run(as_row(record) for record in reversed(records))
        identifier = responses.new_uuid()
        logs._queries[identifier] = request | {
            "queryId": identifier,
            "status": "Complete",
            "results": result.lines()[: int(request.get("limit") or _MOST_ROWS)],
            "statistics": {
                "recordsMatched": float(result.matched),
                "recordsScanned": float(len(records)),
                "bytesScanned": float(sum(len(record["@message"]) for record in records)),
            },
        }
        return responses.json_response({"queryId": identifier})

    return start


def _test_metric_filter(request: Json) -> Any:
    """Say which messages a pattern fits: API_TestMetricFilter."""
    fits = compiled(request["filterPattern"])
    numbered = enumerate(request["logEventMessages"], start=1)
    matches = [{"eventNumber": number, "eventMessage": message} for number, message in numbered if fits(message)]
    return responses.json_response({"matches": matches})


def _put_query_definition(request: Json) -> Any:
    """Save a query, or replace it: API_PutQueryDefinition."""
    query.compiled(request["queryString"])
    identifier = request.get("queryDefinitionId") or responses.new_uuid()
    saved = {name: request[name] for name in ("name", "queryString", "logGroupNames") if name in request}
    _definitions[identifier] = saved | {"queryDefinitionId": identifier, "lastModified": int(time.time() * 1000)}
    return responses.json_response({"queryDefinitionId": identifier})


def _describe_query_definitions(request: Json) -> Any:
    """List the saved queries: API_DescribeQueryDefinitions."""
    prefix = request.get("queryDefinitionNamePrefix", "")
    found = [each for each in _definitions.values() if each["name"].startswith(prefix)]
    return responses.json_response({"queryDefinitions": found})


def _delete_query_definition(request: Json) -> Any:
    """Forget a saved query: API_DeleteQueryDefinition."""
    if _definitions.pop(request["queryDefinitionId"], None) is None:
        return responses.error_response_json("ResourceNotFoundException", "The query definition does not exist.")
    return responses.json_response({"success": True})


_OPERATIONS: dict[str, Callable[[Json], Any]] = {
    "TestMetricFilter": _test_metric_filter,
    "PutQueryDefinition": _put_query_definition,
    "DescribeQueryDefinitions": _describe_query_definitions,
    "DeleteQueryDefinition": _delete_query_definition,
}


def _created(_: str, properties: Json, __: str) -> tuple[str, Json]:
    return _saved(properties, {})


def _updated(identifier: str, _: Json, properties: Json, __: str) -> tuple[str, Json]:
    return _saved(properties, {"queryDefinitionId": identifier})


def _saved(properties: Json, known: Json) -> tuple[str, Json]:
    names = {"Name": "name", "QueryString": "queryString", "LogGroupNames": "logGroupNames"}
    request = {name: properties[key] for key, name in names.items() if key in properties}
    identifier = json.loads(_put_query_definition(request | known)[2])["queryDefinitionId"]
    return identifier, {"QueryDefinitionId": identifier}


def _deleted(identifier: str, _: Json) -> None:
    _definitions.pop(identifier, None)
