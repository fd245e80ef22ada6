"""Queues and streams: no message is lost, none comes for ever."""

import pytest

from storefront.chat.connection import OPENING_TIME
from tools.testing.template import Json, resources, source

QUEUES = resources("AWS::SQS::Queue")
FUNCTIONS = resources("AWS::Lambda::Function")
ALIASES = resources("AWS::Lambda::Alias")
_MAPPINGS = resources("AWS::Lambda::EventSourceMapping")
QUEUE_MAPPINGS = {name: one for name, one in _MAPPINGS.items() if one["EventSourceArn"]["Fn::GetAtt"][1] == "Arn"}
STREAM_MAPPINGS = {
    name: one for name, one in _MAPPINGS.items() if one["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn"
}
# The queues to which rules send, each with the rule's name.
TARGETS = [
    (name, target)
    for name, rule in resources("AWS::Events::Rule").items()
    for target in rule["Targets"]
    if target["Arn"].get("Fn::GetAtt", [""])[0] in QUEUES
]
POLICIES = resources("AWS::SQS::QueuePolicy")
# The rest of a policy is what tests/template/test_data.py looks at.
GRANTS = [
    (policy["Queues"], statement)
    for policy in POLICIES.values()
    for statement in policy["PolicyDocument"]["Statement"]
    if statement.get("Effect") == "Allow"
]
FOURTEEN_DAYS = 1_209_600


def queue_of(mapping: Json) -> Json:
    return QUEUES[mapping["EventSourceArn"]["Fn::GetAtt"][0]]


def function_of(mapping: Json) -> Json:
    alias = ALIASES[mapping["FunctionName"]["Ref"]]
    return FUNCTIONS[alias["FunctionName"]["Ref"]]


def default(parameter: str) -> int:
    return int(source()["Parameters"][parameter]["Default"])


def dead_letter_queues() -> set[str]:
    redrives = [queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in QUEUES.values() if "RedrivePolicy" in queue]
    failures = [mapping["DestinationConfig"]["OnFailure"]["Destination"] for mapping in STREAM_MAPPINGS.values()]
    undelivered = [target["DeadLetterConfig"]["Arn"] for _, target in TARGETS]
    # The refunds' state machine puts aside what fails.
    of_refunds = source()["Resources"]["RefundOrders"]["Properties"]["DefinitionSubstitutions"]
    named = {value["Ref"] for value in of_refunds.values()} & QUEUES.keys()
    return named | {target["Fn::GetAtt"][0] for target in (*redrives, *failures, *undelivered)}


def test_each_consumer_reads_a_queue_or_a_stream() -> None:
    assert QUEUE_MAPPINGS
    assert STREAM_MAPPINGS
    assert _MAPPINGS.keys() == QUEUE_MAPPINGS.keys() | STREAM_MAPPINGS.keys()


@pytest.mark.parametrize("mapping", QUEUE_MAPPINGS.values(), ids=QUEUE_MAPPINGS.keys())
def test_a_consumed_queue_puts_aside_what_fails_five_times(mapping: Json) -> None:
    redrive = queue_of(mapping)["RedrivePolicy"]

    assert redrive["maxReceiveCount"] >= 5
    assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0] in QUEUES
    assert "RedrivePolicy" not in QUEUES[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]


@pytest.mark.parametrize("name", [name for name, queue in QUEUES.items() if "RedrivePolicy" in queue])
def test_a_dead_letter_queue_is_called_after_its_queue(name: str) -> None:
    # `storefront redrive` goes by the names
    (target, _) = QUEUES[name]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]

    assert target == f"{name.removesuffix('Queue')}DeadLetterQueue"


def test_no_other_queue_is_called_a_dead_letter_queue() -> None:
    assert {name for name in QUEUES if name.endswith("DeadLetterQueue")} == dead_letter_queues()


@pytest.mark.parametrize("mapping", QUEUE_MAPPINGS.values(), ids=QUEUE_MAPPINGS.keys())
def test_a_consumed_queue_hides_messages_for_six_times_the_consumer_s_time(mapping: Json) -> None:
    assert queue_of(mapping)["VisibilityTimeout"] >= 6 * function_of(mapping)["Timeout"]


@pytest.mark.parametrize("mapping", QUEUE_MAPPINGS.values(), ids=QUEUE_MAPPINGS.keys())
def test_a_queue_s_consumer_answers_for_each_message_and_is_bounded(mapping: Json) -> None:
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


@pytest.mark.parametrize("mapping", STREAM_MAPPINGS.values(), ids=STREAM_MAPPINGS.keys())
def test_a_stream_is_not_held_up_by_one_change_and_loses_none(mapping: Json) -> None:
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    # Tried until the records expire: what fails for ever the function puts aside itself.
    assert "MaximumRetryAttempts" not in mapping
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0] in QUEUES


def test_a_rule_may_fill_its_queue_and_the_one_for_what_it_could_not_deliver_and_nobody_else_may() -> None:
    wanted = [
        (queue["Fn::GetAtt"][0], name)
        for name, target in TARGETS
        for queue in (target["Arn"], target["DeadLetterConfig"]["Arn"])
    ]

    granted = []
    for (queue,), statement in GRANTS:
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Resource"] == {"Fn::GetAtt": [queue["Ref"], "Arn"]}
        assert statement["Condition"].keys() == {"ArnEquals"}
        (rule,) = statement["Condition"]["ArnEquals"].values()
        granted.append((queue["Ref"], rule["Fn::GetAtt"][0]))

    assert TARGETS
    assert sorted(granted) == sorted(wanted)


def test_dead_letters_are_kept_as_long_as_there_is() -> None:
    assert dead_letter_queues()
    for name in dead_letter_queues():
        assert QUEUES[name]["MessageRetentionPeriod"] == FOURTEEN_DAYS, name


def test_a_queue_without_a_consumer_is_a_dead_letter_queue() -> None:
    consumed = {mapping["EventSourceArn"]["Fn::GetAtt"][0] for mapping in QUEUE_MAPPINGS.values()}

    assert QUEUES.keys() == consumed | dead_letter_queues()


def test_a_status_is_tried_again_until_no_connection_can_be_under_way_any_more() -> None:
    receives = QUEUES["ChatStatusQueue"]["RedrivePolicy"]["maxReceiveCount"]

    shortest = sum(default("RetryAfterSeconds") * 2**receive / 2 for receive in range(receives - 1))

    assert OPENING_TIME.total_seconds() < shortest


def test_the_reconciler_comes_after_the_queue_has_tried_everything() -> None:
    queue = QUEUES["OrdersQueue"]

    # The pause doubles with each try, and one receive may be lost to a crash.
    pauses = sum(
        default("RetryAfterSeconds") * 2**receive for receive in range(queue["RedrivePolicy"]["maxReceiveCount"])
    )

    assert queue["VisibilityTimeout"] + pauses < default("ReviewAfterSeconds")
