"""Releases: every alias has what moves its traffic, what is asked, and what watches; by default there is none of it."""

import re
from collections import Counter
from itertools import product
from typing import Any

import pytest

from tests.support.smoke_test import operation_of, requests_made
from tools.rehearsal.alarms import Alarm, State
from tools.rehearsal.metrics import Measurement, Metric
from tools.rehearsal.simulation import Assumptions
from tools.rehearsal.template_alarms import alarms_of
from tools.testing.template import Json, openapi, resources, source, translated, walk

GRADUAL = translated(GradualReleases="true")
GROUPS = resources("AWS::CodeDeploy::DeploymentGroup", GRADUAL)
ALARMS = {
    name: alarm
    for name, alarm in resources("AWS::CloudWatch::Alarm", GRADUAL).items()
    if GRADUAL["Resources"][name].get("Condition") == "ReleasesGradually"
}
SCOPES = ("NewVersion", "Alias")
MINUTE = 60
# The hooks would have to let themselves through; the sandbox is another company's; nine lines of three are full.
NOT_RELEASED = {
    "PreTrafficHookFunction",
    "PostTrafficHookFunction",
    "PaymentsSandboxFunction",
    "ListPartnerProductsFunction",
}
ALIASES = {
    alias["FunctionName"]["Ref"]: GRADUAL["Resources"][name]
    for name, alias in resources("AWS::Lambda::Alias", GRADUAL).items()
}
RELEASED = sorted(ALIASES.keys() - NOT_RELEASED)


def group_of(function: str) -> Json:
    update = ALIASES[function]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    group: Json = GROUPS[update["DeploymentGroupName"]["Ref"]]
    return group


def watched_by(alarm: Json) -> list[tuple[str, Json]]:
    """Return the metrics of an alarm with their dimensions as they are in the template."""
    metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query] or [alarm]
    return [(each["MetricName"], {one["Name"]: one["Value"] for one in each["Dimensions"]}) for each in metrics]


@pytest.mark.parametrize("function", RELEASED)
def test_an_alias_moves_with_a_deployment_group_and_the_hook_before(function: str) -> None:
    update = ALIASES[function]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]

    assert update["BeforeAllowTrafficHook"] == {"Ref": "PreTrafficHookFunction"}
    group = group_of(function)
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["ReleaseRole", "Arn"]}
    assert group["AutoRollbackConfiguration"]["Enabled"] is True
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    (trigger,) = group["TriggerConfigurations"]
    assert trigger["TriggerTargetArn"] == {"Ref": "ReleaseTopic"}


def smoke_tested() -> set[str]:
    """Return the functions whose release ends with the smoke test."""
    updates = {function: ALIASES[function]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"] for function in RELEASED}
    return {
        function
        for function, update in updates.items()
        if update.get("AfterAllowTrafficHook") == {"Ref": "PostTrafficHookFunction"}
    }


def test_the_smoke_test_ends_the_releases_of_the_functions_that_it_reaches() -> None:
    operations = [operation_of(method, path, openapi()) or {} for method, path in requests_made()]
    integrations = [one["x-amazon-apigateway-integration"] for one in operations if one["security"] == []]

    reached = {found[1] for one in integrations if (found := re.search(r"\$\{(\w+)\.Alias\}", str(one.get("uri"))))}

    assert smoke_tested() == reached == {"ListProductsFunction", "GetProductFunction"}


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_smoke_tests_of_a_release_leave_the_throttle_to_customers(environment: str) -> None:
    throttling = source()["Mappings"]["Throttling"][environment]
    of_one = Counter(id(operation_of(method, path, openapi())) for method, path in requests_made())

    # Even if all came in the same second: a burst is counted by method.
    assert len(smoke_tested()) * max(of_one.values()) <= throttling["Burst"] / 2


MOST_AT_ONCE = 9


def test_no_more_aliases_shift_at_once_than_lambda_and_a_new_account_take() -> None:
    waits = {function: waited_for(function) for function in RELEASED}
    first = [function for function, others in waits.items() if not others]
    waited = Counter(other for others in waits.values() for other in others)

    # Lines in which each function waits for the one before: at any time one alias of a line shifts.
    assert len(first) <= MOST_AT_ONCE, "a new function waits for the alias of another: DependsOn"
    assert all(len(others) <= 1 for others in waits.values())
    assert max(waited.values()) == 1, f"two functions wait for one alias: {waited.most_common(1)}"


def test_a_release_takes_three_turns() -> None:
    # docs/releases.md promises the time.
    assert max(turn(function) for function in RELEASED) == 3


def test_authorizers_and_what_the_smoke_test_reaches_are_released_first() -> None:
    authorizers = {function for function in RELEASED if function.startswith("Authorize")}

    assert {turn(function) for function in authorizers | smoke_tested()} == {1}


def waited_for(function: str) -> list[str]:
    """Return the functions for whose aliases a function waits."""
    waits = GRADUAL["Resources"][function].get("DependsOn", [])
    return [name.removesuffix("Aliaslive") for name in ([waits] if isinstance(waits, str) else waits)]


def turn(function: str) -> int:
    """Return the place of a function in its line, from 1."""
    return 1 + max((turn(other) for other in waited_for(function)), default=0)


@pytest.mark.parametrize("function", RELEASED)
def test_the_alarms_of_an_alias_name_its_function_its_alias_and_its_version(function: str) -> None:
    (version,) = [
        name
        for name, each in resources("AWS::Lambda::Version", GRADUAL).items()
        if each["FunctionName"] == {"Ref": function}
    ]
    of_function = {"FunctionName": {"Ref": function}}
    of_alias = of_function | {"Resource": {"Fn::Join": [":", [{"Ref": function}, "live"]]}}
    of_version = {"ExecutedVersion": {"Fn::GetAtt": [version, "Version"]}}

    configuration = group_of(function)["AlarmConfiguration"]

    assert configuration["Enabled"] is True
    watched = {alarm["Name"]["Ref"]: watched_by(ALARMS[alarm["Name"]["Ref"]]) for alarm in configuration["Alarms"]}
    assert watched == {
        f"{function.removesuffix('Function')}NewVersionAlarm": [
            ("Errors", of_alias | of_version),
            ("Faults", of_function | of_version),
            ("Duration", of_alias | of_version),
        ],
        f"{function.removesuffix('Function')}AliasAlarm": [
            ("Errors", of_alias),
            ("Faults", of_function),
            ("Duration", of_alias),
        ],
    }


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_stays_quiet_without_data(alarm: str) -> None:
    assert ALARMS[alarm]["TreatMissingData"] == "notBreaching"


@pytest.mark.parametrize("function", RELEASED)
def test_slow_is_four_fifths_of_the_timeout(function: str) -> None:
    limit = GRADUAL["Resources"][function]["Properties"]["Timeout"] * 1000 * 4 / 5

    for name, alarm in alarms_of(function, "f", "7").items():
        assert state_with_slow_minutes(alarm, limit, limit) is State.ALARM, name
        assert state_with_slow_minutes(alarm, limit - 1, limit - 1) is State.OK, name


@pytest.mark.parametrize("scope", SCOPES)
def test_of_three_minutes_two_must_be_slow(scope: str) -> None:
    alarm = alarms_of("ListProductsFunction", "f", "7")[f"ListProducts{scope}Alarm"]
    fast, slow = 20, 9000

    assert state_with_slow_minutes(alarm, slow) is State.OK
    assert state_with_slow_minutes(alarm, slow, slow) is State.ALARM
    assert state_with_slow_minutes(alarm, slow, fast, slow) is State.ALARM
    assert state_with_slow_minutes(alarm, slow, fast, fast, slow) is State.OK


def state_with_slow_minutes(alarm: Alarm, *milliseconds: float) -> State:
    """Return what an alarm says after minutes with calls that have taken so long, one in each."""
    (duration,) = [metric for metric in alarm.metrics if metric.name == "Duration"]
    calls = [Measurement(duration, number * MINUTE + 30, each) for number, each in enumerate(milliseconds)]
    return alarm.state(calls, len(milliseconds) * MINUTE)


def test_the_comparison_assumes_the_alarm_that_the_template_has() -> None:
    assumed, alarm = Assumptions().alarm, alarms_of("ListProductsFunction", "f", "2")["ListProductsNewVersionAlarm"]
    (errors,) = assumed.metrics

    assert errors in alarm.metrics
    assert (assumed.formula.period, assumed.evaluation_periods) == (alarm.formula.period, alarm.evaluation_periods)
    for counts in product(range(5), repeat=3):
        failures = [Measurement(errors, minute * MINUTE + 30, 1, count) for minute, count in enumerate(counts) if count]
        for now in range(MINUTE, 8 * MINUTE, MINUTE):
            known = [one for one in failures if one.time < now]
            assert assumed.state(known, now) is alarm.state(known, now), (counts, now)


@pytest.mark.parametrize("function", RELEASED)
def test_an_alarm_on_failures_sees_a_minute_that_comes_late(function: str) -> None:
    # FILL puts a 0 where the newest minute's metric is still on its way.
    for name, alarm in alarms_of(function, "f", "7").items():
        failures = [Measurement(metric, 30, 3) for metric in alarm.metrics if metric.name == "Faults"]

        assert [alarm.state(failures, now) for now in (60, 120, 180)] == [State.ALARM] * 3, name
        assert (
            alarm.state([Measurement(metric, 30, 2) for metric in alarm.metrics if metric.name == "Faults"], 60)
            is State.OK
        )


def test_other_peoples_bad_tokens_take_no_release_back() -> None:
    # The authorizer raises to answer 401: that is an error to Lambda.
    for function, expected in (("AuthorizePartnerFunction", State.OK), ("AuthorizeWebhookFunction", State.ALARM)):
        for name, alarm in alarms_of(function, "f", "7").items():
            errors = [Measurement(metric, 30, 100) for metric in alarm.metrics if metric.name == "Errors"]

            assert alarm.state(errors, 60) is expected, name


def test_each_released_function_has_an_alarm_for_each_scope_and_no_other_function_has() -> None:
    names = [f"{function.removesuffix('Function')}{scope}Alarm" for function in RELEASED for scope in SCOPES]

    assert sorted(ALARMS) == sorted(names)
    assert ALIASES.keys() >= NOT_RELEASED
    assert not [function for function in NOT_RELEASED if "UpdatePolicy" in ALIASES[function]]


def test_the_version_that_is_watched_is_the_functions_own_metric() -> None:
    alarm = alarms_of("GetProductFunction", "f", "7")["GetProductNewVersionAlarm"]

    assert alarm.metrics == (
        Metric.of("AWS/Lambda", "Errors", {"FunctionName": "f", "Resource": "f:live", "ExecutedVersion": "7"}),
        Metric.of("Storefront", "Faults", {"FunctionName": "f", "ExecutedVersion": "7"}),
        Metric.of("AWS/Lambda", "Duration", {"FunctionName": "f", "Resource": "f:live", "ExecutedVersion": "7"}),
    )


def test_by_default_there_is_no_deployment_group_and_no_alarm() -> None:
    by_default = translated()["Resources"]

    assert [name for name, each in by_default.items() if each["Type"].startswith("AWS::CodeDeploy::")] == []
    assert [name for name, each in by_default.items() if "UpdatePolicy" in each] == []
    assert source()["Parameters"]["GradualReleases"]["Default"] == "false"
    assert translated()["Conditions"]["ReleasesGradually"] == {"Fn::Equals": [{"Ref": "GradualReleases"}, "true"]}
    for name in ("ReleaseRole", "ReleaseTopic", *ALARMS):
        assert by_default[name]["Condition"] == "ReleasesGradually", name


def test_by_default_nothing_refers_to_what_is_not_there() -> None:
    by_default = translated()["Resources"]
    absent = {
        name for name, each in by_default.items() if each.get("Condition") in ("ReleasesGradually", "TellsOfReleases")
    }

    assert absent
    for name, each in by_default.items():
        if name not in absent:
            assert not _names_in(each) & absent, name


def test_nothing_waits_for_itself() -> None:
    waits = {name: _names_in(each) & GRADUAL["Resources"].keys() for name, each in GRADUAL["Resources"].items()}
    while ready := [name for name, others in waits.items() if not others & waits.keys()]:
        for name in ready:
            del waits[name]

    assert sorted(waits) == []


def test_the_release_role_may_do_what_code_deploy_needs_and_no_more() -> None:
    (policy,) = GRADUAL["Resources"]["ReleaseRole"]["Properties"]["Policies"]
    granted = {
        action: statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }

    # "AWSCodeDeployRoleForLambda", AWS Managed Policy Reference Guide, but for what it may read from S3.
    functions = {
        "Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-*"
    }
    hooks = [{"Fn::GetAtt": [hook, "Arn"]} for hook in ("PreTrafficHookFunction", "PostTrafficHookFunction")]
    assert granted == {
        "lambda:GetAlias": functions,
        "lambda:UpdateAlias": functions,
        "lambda:GetProvisionedConcurrencyConfig": functions,
        "lambda:InvokeFunction": hooks,
        "cloudwatch:DescribeAlarms": "*",
        "sns:Publish": {"Ref": "ReleaseTopic"},
    }
    # Their names are CloudFormation's, so that they begin with the stack's.
    assert not [name for name, alarm in ALARMS.items() if "AlarmName" in alarm]
    assert not [name for name in RELEASED if "FunctionName" in GRADUAL["Resources"][name]["Properties"]]


def test_the_plans_wait_for_the_stage_whatever_sam_calls_it() -> None:
    # On AWS the stage's name is filled in before SAM names the stage.
    (stage,) = resources("AWS::ApiGateway::Stage")

    for plan in resources("AWS::ApiGateway::UsagePlan").values():
        assert [each["Stage"] for each in plan["ApiStages"]] == [{"Ref": stage}]


def _names_in(node: Any) -> set[str]:
    """Return the resources that something refers to."""
    names: set[str] = set()
    for _, each in walk(node):
        match each:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]} | {"DependsOn": str(name)}:
                names.add(name)
            case {"DependsOn": list(several)}:
                names |= set(several)
        if isinstance(each, dict) and "Fn::Sub" in each:
            text = each["Fn::Sub"] if isinstance(each["Fn::Sub"], str) else each["Fn::Sub"][0]
            names |= {name.split(".")[0] for name in re.findall(r"\$\{([^}!]+)\}", text)}
    return names
