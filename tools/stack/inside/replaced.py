"""The one list of what is replaced in the emulator, whose version is pinned.

A test compares the signatures of all this package uses of the emulator with ``internals.json``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from typing import Any

from tools.stack.cloudwatch_logs import filter_pattern, metric_filters, operations
from tools.stack.gateway import (
    cache,
    callers,
    connections,
    deployments,
    document,
    execution_log,
    http_api,
    java,
    mapping,
    messages,
    route_resources,
    routes,
    socket_log,
    sockets,
    stages,
    trial,
    usage,
    way,
)
from tools.stack.inside import (
    destinations,
    downloads,
    executions,
    guard,
    log_lines,
    loops,
    queues,
    role_sessions,
    tables,
    trail,
    workers,
)

_LOGS = "ministack.services.cloudwatch_logs"
_V1 = "ministack.services.apigateway_v1"
_V2 = "ministack.services.apigateway"
_HANDLERS = "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS"

# Each internal of the emulator, and the function that makes the replacement from the original.
REPLACED: dict[str, Callable[[Any], Any]] = {
    # Safe
    "ministack.app:app": guard.guarded,
    "ministack.core.lambda_runtime:execution_credentials": role_sessions.unpredictable,
    "ministack.services.lambda_svc:execution_credentials": role_sessions.unpredictable,
    "ministack.services.lambda_svc:_presigned_code_url": downloads.signed,
    "ministack.services.lambda_svc:_layer_content_url": downloads.signed,
    # Fast
    "ministack.core.lambda_runtime:_PYTHON_WORKER_SCRIPT": log_lines.with_end_marks,
    "ministack.core.lambda_runtime:Worker._drain_stderr_bounded": log_lines.until_end_mark,
    "ministack.core.lambda_runtime:acquire_worker": workers.waiting_for_a_free_one,
    "ministack.services.lambda_svc:acquire_worker": workers.waiting_for_a_free_one,
    "ministack.core.lambda_runtime:release_worker": workers.told_to_the_waiting,
    "ministack.services.lambda_svc:release_worker": workers.told_to_the_waiting,
    # Nested stacks
    "ministack.services.cloudformation.engine:_resolve_parameters": loops.expanded_in_nested_stacks,
    "ministack.services.cloudformation.provisioners:_cfn_nested_stack_deploy": loops.noted,
    # EventBridge
    "ministack.services.eventbridge:_invoke_target": queues.by_their_policies,
    # DynamoDB
    f"{_HANDLERS}/AWS::DynamoDB::Table/create": tables.created_with_expiry,
    f"{_HANDLERS}/AWS::DynamoDB::Table/update": tables.updated_with_expiry,
    # CloudTrail, Lambda's destinations
    "ministack.app:_maybe_record_cloudtrail": trail.recorded,
    "ministack.services.lambda_svc:invoke_async_with_retry": destinations.told,
    # CloudWatch Logs
    f"{_LOGS}:handle_request": operations.with_more_operations,
    f"{_LOGS}:_start_query": operations.start_query,
    f"{_LOGS}:_compile_filter_pattern": lambda _: filter_pattern.compiled,
    f"{_LOGS}:_subscription_pattern_matches": metric_filters.fitting,
    f"{_LOGS}:_put_metric_filter": metric_filters.read_first,
    f"{_LOGS}:_fanout_to_subscription_filters": metric_filters.counted,
    _HANDLERS: lambda handlers: operations.with_saved_queries(route_resources.with_responses(handlers)),
    # Step Functions
    "ministack.services.stepfunctions:_start_execution": executions.by_name,
    # API Gateway: the document
    f"{_V1}:_OPENAPI_HTTP_METHODS": document.with_any,
    f"{_V1}:_import_operation": document.as_any,
    f"{_V1}:_import_rest_api": document.importing_all,
    f"{_HANDLERS}/AWS::ApiGateway::RestApi/update": document.keeping_its_id,
    # API Gateway: deployments and stages
    **{f"{_V1}:{name}": deployments.answering_as_deployed(name) for name in deployments.STORES},
    f"{_V1}:method_authorization_type": deployments.served_by_stage,
    f"{_V1}:_create_deployment": deployments.kept,
    f"{_V1}:_delete_deployment": deployments.forgotten,
    f"{_V1}:_apply_stage_patch": stages.with_copies,
    f"{_V1}:handle_request": lambda handle: trial.with_trials(usage.with_records(cache.with_flushes(handle))),
    f"{_HANDLERS}/AWS::ApiGateway::Stage/create": stages.whole,
    f"{_HANDLERS}/AWS::ApiGateway::Stage/update": stages.whole,
    "ministack.services.lambda_svc:_effective_func_record_for_qualifier": stages.by_weight,
    # API Gateway: a request
    f"{_V1}:_handle_execute_in_scope": lambda _: way.handle,
    f"{_V1}:_anonymous_policy_error": callers.asked_by_its_encoded_path,
    f"{_V1}:_call_lambda_raw": execution_log.calling_functions,
    f"{_V1}:_invoke_authorizer_lambda": lambda invoke: execution_log.calling_authorizers(
        callers.allowed_and_with_its_key(invoke)
    ),
    f"{_V1}:_request_identity_sources": callers.found_in_the_context,
    f"{_V1}:_evaluate_policy": callers.with_the_resource_policy,
    f"{_V1}:_validate_cognito_authorizer": callers.taking_the_right_token,
    f"{_V1}:_stringify_claims": callers.joined_by_commas,
    f"{_V1}:_AUTHENTICATION_GATEWAY_ERRORS": callers.with_access_denied,
    "ministack.app:_enforce_execute_api": callers.in_the_api_s_shape,
    "airspeed.operators:NameOrCall.calculate": mapping.loud,
    "airspeed.operators:ForeachDirective.parse": mapping.over_values,
    "airspeed.operators:value_to_string": lambda _: java.text,
    # API Gateway: HTTP and WebSocket APIs
    f"{_HANDLERS}/AWS::ApiGatewayV2::Api/create": route_resources.then(route_resources.complete_api, 1),
    f"{_HANDLERS}/AWS::ApiGatewayV2::Api/update": route_resources.then(route_resources.complete_api, 2),
    f"{_HANDLERS}/AWS::ApiGatewayV2::Integration/create": route_resources.then(route_resources.complete_integration, 1),
    f"{_HANDLERS}/AWS::ApiGatewayV2::Integration/update": route_resources.then(route_resources.complete_integration, 2),
    f"{_V2}:_handle_execute_in_scope": http_api.calling_functions,
    f"{_V2}:_invoke_request_authorizer_lambda": routes.if_allowed,
    f"{_V2}:_route_specificity": http_api.by_any_greedy_name,
    f"{_V2}:handle_websocket": connections.limited,
    f"{_V2}:handle_connections_api": connections.commanded,
    f"{_V2}:_match_ws_route": messages.matched,
    f"{_V2}:_evaluate_route_selection": lambda _: messages.selected,
    f"{_V2}:_invoke_ws_lambda": lambda _: socket_log.logged(messages.answered),
    "hypercorn.protocol.ws_stream:WebsocketBuffer": sockets.within_quotas,
}


def install() -> None:
    """Put every replacement into its place."""
    # Modules of the emulator import names from each other: all are loaded before the first name is replaced.
    places = {address: locate(address) for address in REPLACED}
    replacements = {address: REPLACED[address](_get(*place)) for address, place in places.items()}
    for address, (owner, name) in places.items():
        if isinstance(owner, dict):
            owner[name] = replacements[address]
        else:
            setattr(owner, name, replacements[address])


def locate(address: str) -> tuple[Any, str]:
    """Return the module, class or dictionary that holds an internal, and the internal's name in it.

    An address is ``module:name``, ``module:class.name`` or ``module:dictionary/key/key``.
    """
    module, _, path = address.partition(":")
    owner: Any = import_module(module)
    *holders, name = re.split(r"[./]", path)
    for each in holders:
        owner = _get(owner, each)
    return owner, name


def _get(owner: Any, name: str) -> Any:
    return owner[name] if isinstance(owner, dict) else getattr(owner, name)
