"""Each alarm fires for what AWS sends when something is wrong, and for nothing else."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.observability import emitted
from tests.observability.deployed import STACK, STAGE, alarms, deployed, name_of, named
from tests.observability.emitted import Emitted, ours
from tools.rehearsal.alarms import Alarm, State
from tools.rehearsal.metrics import Measurement, Metric
from tools.testing.deployment import Deployment
from tools.testing.template import ROOT, operations, resources, source, translated

ALARMS = alarms()
QUEUES = resources("AWS::SQS::Queue")
FUNCTIONS = deployed("AWS::Lambda::Function")
HOUR = 3600
NOW = 10 * HOUR


@dataclass(frozen=True)
class Case:
    """The measurements that an alarm gets.

    Attributes
    ----------
    metric, dimensions
        The metric as it is sent, and the values of its dimensions.
    bad, good
        The calls in each minute while something is wrong, and while nothing is; nothing at all is possible, too.
    """

    metric: Emitted
    dimensions: tuple[str, ...]
    bad: tuple[float, ...]
    good: tuple[float, ...] = (0,)

    def sent(self, values: tuple[float, ...], until: float = NOW, **changes: Any) -> list[Measurement]:
        """Return an hour of measurements, with one part of the metric's identity changed."""
        parts = {"namespace": self.metric.namespace, "name": self.metric.name} | changes
        dimensions = dict(zip(self.metric.dimensions, self.dimensions, strict=True)) | parts.pop("dimensions", {})
        metric = Metric.of(dimensions=dimensions, **parts)
        return [
            Measurement(metric, minute + 30, value)
            for minute in range(int(until) - HOUR, int(until), 60)
            for value in values
        ]


def of_the_shop(name: str, *, bad: float, good: float = 0) -> Case:
    return Case(ours(name), (STACK,), (bad,), (good,))


def of_rule(metric: Emitted) -> Case:
    # Sent only where it is not zero
    return Case(metric, (name_of("OrderEventBus"), f"{STACK}-chat-status"), bad=(1,), good=())


# One request in a hundred may be slow, or fail; with the second there is an alarm.
ONE_SLOW, TWO_SLOW = (3500, *[200] * 99), (3500, 3500, *[200] * 98)
ONE_FAILED, TWO_FAILED = (1, *[0] * 99), (1, 1, *[0] * 98)

MACHINE = {"Fn::Sub": "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}:stateMachine"}

CASES = {
    "RestApiErrorsAlarm": Case(emitted.SERVER_ERRORS, (STACK, STAGE), TWO_FAILED, ONE_FAILED),
    "RestApiLatencyAlarm": Case(emitted.LATENCY, (STACK, STAGE), TWO_SLOW, ONE_SLOW),
    "ChatIntegrationErrorsAlarm": Case(emitted.INTEGRATION_ERRORS, (name_of("ChatApi"), STAGE), bad=(3,), good=(2,)),
    "ChatExecutionErrorsAlarm": Case(emitted.EXECUTION_ERRORS, (name_of("ChatApi"), STAGE), bad=(1,)),
    "AuthorizerFailuresAlarm": Case(emitted.AUTHORIZER_FAILURES, (STACK,), bad=(2,), good=(1,)),
    "StreamLagAlarm": Case(
        emitted.ITERATOR_AGE, (name_of("PublishOrderEventsFunction"),), bad=(300_001,), good=(300_000,)
    ),
    "OrdersNotProcessedAlarm": of_the_shop("OrdersNotProcessed", bad=3, good=2),
    "PartnerOrdersNotProcessedAlarm": of_the_shop("PartnerOrdersNotProcessed", bad=3, good=2),
    "OrdersUnsettledAlarm": of_the_shop("OrdersUnsettled", bad=1),
    "ReconcilerStoppedAlarm": Case(ours("OrdersUnsettled"), (STACK,), bad=(), good=(0,)),
    "OrderReviewsFailedAlarm": of_the_shop("OrderReviewsFailed", bad=1),
    "OrderChangesNotReadableAlarm": of_the_shop("OrderChangesNotReadable", bad=1),
    "ItemsNotReadableAlarm": of_the_shop("ItemsNotReadable", bad=1),
    "RefundsTimedOutAlarm": Case(emitted.TIMED_OUT, (f"{named(MACHINE)}:{STACK}-refunds",), bad=(1,), good=()),
    "EventDeliveriesFailedAlarm": of_rule(emitted.FAILED_INVOCATIONS),
    "EventsDeadLetteredAlarm": of_rule(emitted.SENT_TO_DLQ),
    "ChatPostsFailedAlarm": of_the_shop("ChatPostsFailed", bad=3, good=2),
    "ChatPostsSkippedAlarm": of_the_shop("ChatPostsSkipped", bad=1),
    "ChatStatusesNotDeliveredAlarm": of_the_shop("ChatStatusesNotDelivered", bad=3, good=2),
}
# Derived from the queues and functions there are, so that a new one without an alarm is found.
CASES |= {
    f"{queue}AgeAlarm": Case(emitted.AGE, (name_of(queue),), bad=(901,), good=(900,))
    for queue, properties in QUEUES.items()
    if "RedrivePolicy" in properties
}
CASES |= {
    f"{queue}Alarm": Case(emitted.VISIBLE, (name_of(queue),), bad=(1,))
    for queue, properties in QUEUES.items()
    if "RedrivePolicy" not in properties
}
CASES |= {
    f"{name.removesuffix('Function')}ThrottlesAlarm": Case(emitted.THROTTLES, (name_of(name),), bad=(1,))
    for name in FUNCTIONS
}
# Nobody waits for the first five; the others never raise, whoever calls.
CASES |= {
    f"{name}ErrorsAlarm": Case(emitted.ERRORS, (name_of(f"{name}Function"),), bad=(1,))
    for name in (
        "ProcessOrders",
        "ProcessPartnerOrders",
        "ReconcileOrders",
        "PublishOrderEvents",
        "DeliverOrderStatus",
        "AuthorizeWebhook",
        "AuthorizeConnection",
    )
}

each_case = pytest.mark.parametrize(("name", "case"), CASES.items(), ids=CASES)


def alarm(name: str) -> Alarm:
    return Alarm.of(ALARMS[name])


def test_each_alarm_has_a_case_and_each_case_an_alarm() -> None:
    assert CASES.keys() == ALARMS.keys()


@each_case
def test_an_alarm_fires_for_what_is_sent_when_something_is_wrong(name: str, case: Case) -> None:
    assert alarm(name).state(case.sent(case.bad), NOW) is State.ALARM


@each_case
def test_an_alarm_is_quiet_while_nothing_is_wrong(name: str, case: Case) -> None:
    assert alarm(name).state(case.sent(case.good), NOW) is State.OK


@each_case
def test_what_is_sent_of_a_neighbour_is_nothing_to_an_alarm(name: str, case: Case) -> None:
    silence = alarm(name).state([], NOW)
    changes: list[dict[str, Any]] = [
        {"namespace": "Neighbour"},
        {"name": f"{case.metric.name}OfANeighbour"},
        {"dimensions": {"Resource": "one dimension more"}},
        *({"dimensions": {dimension: "a neighbour"}} for dimension in case.metric.dimensions),
    ]

    for changed in changes:
        for values in (case.bad, case.good):
            assert alarm(name).state(case.sent(values, **changed), NOW) is silence, changed


@each_case
def test_an_alarm_is_over_when_nothing_more_is_sent_but_for_the_one_on_silence(name: str, case: Case) -> None:
    long_ago = case.sent(case.bad or case.good, until=NOW - 3 * HOUR)

    state = alarm(name).state(long_ago, NOW, before=State.ALARM)

    assert state is (State.ALARM if name == "ReconcilerStoppedAlarm" else State.OK)


@each_case
def test_the_unit_is_not_asked_for_so_that_it_cannot_be_the_wrong_one(name: str, case: Case) -> None:
    assert "Unit" not in ALARMS[name]
    assert case.metric.source


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_says_when_it_fires_and_when_it_is_over_and_where_to_read_on(name: str) -> None:
    properties = ALARMS[name]
    meaning, _, where = properties["AlarmDescription"].partition("; docs/operations.md#")

    assert properties["OKActions"] == properties["AlarmActions"] == [name_of("AlarmTopic")]
    assert meaning[0].isupper()
    assert where in sections()


def test_alarms_that_wake_nobody_are_for_releases() -> None:
    template = translated()["Resources"] | operations()["Resources"]
    others = {name for name, one in template.items() if one["Type"] == "AWS::CloudWatch::Alarm"} - ALARMS.keys()

    # tests/releases has those.
    assert [name for name in others if template[name].get("Condition") != "ReleasesGradually"] == []


def test_only_cloudwatch_of_this_account_sends_to_the_topic() -> None:
    (policy,) = [one for name, one in deployed("AWS::SNS::TopicPolicy").items() if name == "AlarmTopicPolicy"]
    (statement,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]

    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"]["StringEquals"].keys() == {"aws:SourceAccount"}


def test_nobody_is_written_to_unless_there_is_an_address() -> None:
    assert source()["Parameters"]["AlarmEmail"]["Default"] == ""
    assert Deployment(Environment="dev").nested.of("AWS::SNS::Subscription") == {}
    (subscription,) = (
        Deployment(Environment="dev", AlarmEmail="a@b.example").nested.of("AWS::SNS::Subscription").values()
    )
    assert subscription["Endpoint"] == "a@b.example"


def sections() -> set[str]:
    """Return the anchors of the runbook's sections."""
    lines = (ROOT / "docs" / "operations.md").read_text().splitlines()
    return {line.removeprefix("## ").lower().replace(" ", "-") for line in lines if line.startswith("## ")}
