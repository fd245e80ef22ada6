"""Functions: their logs, their environment, their time."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from storefront.chat import deliver_order_status
from storefront.chat.gateway import LAST_POST_MILLISECONDS
from storefront.orders import reconcile_orders
from storefront.payments import provider as payment_provider
from storefront.rollout import code_deploy, function_version, post_traffic_hook, public_api
from storefront.shared import aws
from tools.testing.source import CODE, reads_of
from tools.testing.template import Json, resources, source, translated, walk

FUNCTIONS = resources("AWS::Lambda::Function")
LOG_GROUPS = resources("AWS::Logs::LogGroup")
MAPPINGS = resources("AWS::Lambda::EventSourceMapping")
# "Amazon API Gateway quotas", Amazon API Gateway Developer Guide: integration timeout
GATEWAY_TIMEOUT_SECONDS = 29


def test_each_function_logs_to_a_group_of_its_own() -> None:
    groups = [function["LoggingConfig"]["LogGroup"]["Ref"] for function in FUNCTIONS.values()]

    assert sorted(groups) == sorted(name for name, group in LOG_GROUPS.items() if _is_of_a_function(group))


def _is_of_a_function(group: Json) -> bool:
    return str(group["LogGroupName"]["Fn::Sub"]).startswith("/aws/lambda/")


@pytest.mark.parametrize("group", LOG_GROUPS)
def test_a_log_group_is_kept_for_a_set_time_under_a_name_of_its_own(group: str) -> None:
    assert LOG_GROUPS[group]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert [other for other in LOG_GROUPS if LOG_GROUPS[other] == LOG_GROUPS[group]] == [group]


def test_each_function_runs_a_handler_of_its_own_behind_the_alias() -> None:
    handlers = [function["Handler"] for function in FUNCTIONS.values()]
    aliases = resources("AWS::Lambda::Alias").values()

    assert len(set(handlers)) == len(handlers)
    assert {alias["FunctionName"]["Ref"] for alias in aliases if alias["Name"] == "live"} == FUNCTIONS.keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_the_environment_that_its_code_reads(function: str) -> None:
    given = FUNCTIONS[function]["Environment"]["Variables"].keys()

    read = {read.variable for read in reads_of(FUNCTIONS[function]["Handler"]) if not read.variable.startswith("AWS_")}

    assert {name for name in given if not name.startswith(("POWERTOOLS_", "AWS_"))} == read


@pytest.mark.parametrize("function", FUNCTIONS)
def test_where_aws_answers_is_said_on_this_machine_only(function: str) -> None:
    here = {"Fn::Sub": "http://${LocalAuthority}"}

    variables = FUNCTIONS[function]["Environment"]["Variables"]

    assert [name for name in variables if name.startswith("AWS_")] == ["AWS_ENDPOINT_URL"]
    assert variables["AWS_ENDPOINT_URL"] == {"Fn::If": ["IsLocal", here, {"Ref": "AWS::NoValue"}]}


def alternatives(value: Any) -> Iterator[Any]:
    """Yield what a value can be, whatever its conditions decide."""
    match value:
        case {"Fn::If": [_, *both]}:
            for one in both:
                yield from alternatives(one)
        case _:
            yield value


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_environment_holds_names_and_no_secret(function: str) -> None:
    parameter_names = [parameter["Name"] for parameter in resources("AWS::SSM::Parameter").values()]
    for variable, value in FUNCTIONS[function]["Environment"]["Variables"].items():
        for alternative in alternatives(value):
            match alternative:
                case str():
                    assert variable.startswith("POWERTOOLS_"), variable
                case {"Ref": name}:
                    assert not source()["Parameters"].get(name, {}).get("NoEcho"), variable
                case {"Fn::GetAtt": [_, attribute]}:
                    assert attribute in ("Arn", "Id"), variable
                case {"Fn::Sub": str(text)}:
                    # The name of a parameter that must not be referred to.
                    assert {"Fn::Sub": text} in parameter_names or re.match("(https?|wss?)://", text), variable
                case _:
                    pytest.fail(f"{variable} is {alternative}")


def test_no_secret_is_written_in_the_template() -> None:
    assert [path for path, node in walk(translated()) if path and path[-1] == "SecretString"] == []
    assert [path for path, node in walk(translated()) if isinstance(node, str) and "{{resolve:" in node] == []


def test_a_batch_of_slowest_orders_fits_the_processor() -> None:
    (mapping,) = [name for name in MAPPINGS if name.startswith("ProcessOrdersFunction")]

    longest = MAPPINGS[mapping]["BatchSize"] * payment_provider.WORST_CASE_SECONDS

    assert longest < FUNCTIONS["ProcessOrdersFunction"]["Timeout"]


@pytest.mark.parametrize("function", ["AuthorizePartnerFunction", "AuthorizeConnectionFunction"])
def test_an_authorizer_ends_after_its_one_call_at_its_slowest(function: str) -> None:
    limits = aws.LIMITS

    longest = limits.retries["total_max_attempts"] * (limits.connect_timeout + limits.read_timeout)

    # Or time ran out inside the function, and the gateway would answer 500 instead of a refusal.
    assert longest + 5 < FUNCTIONS[function]["Timeout"] < GATEWAY_TIMEOUT_SECONDS


def test_a_broadcast_has_more_time_than_its_last_post_takes() -> None:
    longest = LAST_POST_MILLISECONDS / 1000

    assert 2 * longest < FUNCTIONS["SendMessageFunction"]["Timeout"] < GATEWAY_TIMEOUT_SECONDS


def test_a_batch_in_which_one_status_is_slow_leaves_time_for_others() -> None:
    longest = deliver_order_status._consumer._reserve_ms / 1000

    # A message that finds no time left has used up one of its receives.
    assert 2 * longest < FUNCTIONS["DeliverOrderStatusFunction"]["Timeout"]


@pytest.mark.parametrize("function", ["open_connection", "close_connection", "refuse_frame"])
def test_what_reads_no_request_does_not_import_what_reads_requests(function: str) -> None:
    imported = f"import sys, storefront.chat.{function}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, CODE))}

    modules = subprocess.run(
        [sys.executable, "-c", imported], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"pydantic", "requests"} & set(modules)


@pytest.mark.parametrize("authorizer", ["partners.authorize_partner", "chat.authorize_connection"])
@pytest.mark.parametrize("library", ["pydantic", "requests"])
def test_an_authorizer_imports_nothing_heavy(authorizer: str, library: str) -> None:
    imported = f"import sys, storefront.{authorizer}; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, CODE))}

    modules = subprocess.run(
        [sys.executable, "-c", imported], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()

    assert library not in modules


def test_the_reconciler_has_time_for_a_review() -> None:
    longest = reconcile_orders._LONGEST_REVIEW_MILLISECONDS / 1000

    assert 2 * longest < FUNCTIONS["ReconcileOrdersFunction"]["Timeout"]


@pytest.mark.parametrize(
    "function",
    [name for name, function in FUNCTIONS.items() if function["Description"].startswith(("GET", "POST", "PUT"))],
)
def test_a_function_behind_the_gateway_ends_before_the_gateway_gives_up(function: str) -> None:
    assert FUNCTIONS[function]["Timeout"] < GATEWAY_TIMEOUT_SECONDS


HOOKS = ("PreTrafficHookFunction", "PostTrafficHookFunction")


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_name_that_codedeploy_may_call_and_lambda_takes(hook: str) -> None:
    name = FUNCTIONS[hook]["FunctionName"]["Fn::Sub"]

    assert name.startswith("CodeDeployHook_${AWS::StackName}-")
    assert len(name.replace("${AWS::StackName}", "a" * 36)) <= 64


def test_a_hook_is_not_released_gradually_itself() -> None:
    assert all(
        source()["Resources"][hook]["Properties"]["DeploymentPreference"] == {"Enabled": False} for hook in HOOKS
    )


def slowest_call_of_code_deploy() -> float:
    """Return the seconds of a call whose tries all run out of time, with the longest pauses between them."""
    limits = code_deploy.LIMITS
    tries = limits.retries["total_max_attempts"]
    pauses = [min(2**number, 20) for number in range(tries - 1)]

    return float(tries * (limits.connect_timeout + limits.read_timeout) + sum(pauses))


def test_the_pre_traffic_hook_has_time_to_say_no_to_a_version_that_hangs() -> None:
    one_try = function_version.LIMITS.connect_timeout + function_version.INVOCATION_SECONDS
    call_of_lambda = sum(function_version.PAUSES) + one_try

    # Two calls before, the function's description and its invocation, the verdict.
    longest = 3 * slowest_call_of_code_deploy() + 2 * call_of_lambda

    assert longest + 5 < FUNCTIONS["PreTrafficHookFunction"]["Timeout"]


def test_the_post_traffic_hook_has_time_for_its_smoke_test_and_then_for_the_verdict() -> None:
    one_try = public_api.CONNECT_SECONDS + public_api.READ_SECONDS
    request = public_api.TRIES * one_try + (public_api.TRIES - 1) * public_api.LONGEST_PAUSE_SECONDS
    reserve = post_traffic_hook.RESERVE_MILLISECONDS / 1000

    assert request + slowest_call_of_code_deploy() + 5 < reserve
    assert reserve + 4 * post_traffic_hook.ROUNDS < FUNCTIONS["PostTrafficHookFunction"]["Timeout"]


def test_nothing_of_the_hooks_depends_on_the_api() -> None:
    # The API depends on aliases, and an alias on its hooks.
    waiting, seen = list(HOOKS), set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        properties = translated()["Resources"].get(name, {})
        text = [node for _, node in walk(properties) if isinstance(node, str)]
        named = {part for one in text for part in re.findall(r"\w+", one)} & translated()["Resources"].keys()
        waiting += named - seen

    assert "RestApi" not in seen
