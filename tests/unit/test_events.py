"""The sample events: each is complete, and does in-process what stands beside it."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    ApiGatewayAuthorizerRequest,
    ApiGatewayAuthorizerToken,
    APIGatewayProxyEventModel,
    APIGatewayWebSocketConnectEventModel,
    APIGatewayWebSocketDisconnectEventModel,
    APIGatewayWebSocketMessageEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    LambdaFunctionUrlModel,
    SqsModel,
)
from pydantic import BaseModel

from tests.support.state_machine import Execution
from tools.replay.cases import Case, filled_in, load
from tools.replay.comparison import differences
from tools.replay.credentials import Credentials
from tools.replay.target import Invoke, Outcome, replay
from tools.testing.template import ROOT

EVENTS = ROOT / "events"
CASES = load(EVENTS)

RECORD_MODELS: dict[str, type[BaseModel]] = {"aws:sqs": SqsModel, "aws:dynamodb": DynamoDBStreamModel}
WEBSOCKET_MODELS: dict[str, type[BaseModel]] = {
    "CONNECT": APIGatewayWebSocketConnectEventModel,
    "MESSAGE": APIGatewayWebSocketMessageEventModel,
    "DISCONNECT": APIGatewayWebSocketDisconnectEventModel,
}

each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@each_case
def test_an_event_gets_the_answer_beside_it(
    invoke: Invoke, credentials: Credentials, written: list[str], case: Case
) -> None:
    assert list(replay(case, invoke, credentials.values())) == []
    # An event that does not say so is replayed on anybody's stack on AWS.
    assert case.writes or not written


def test_a_shop_that_has_seen_all_events_answers_them_alike(invoke: Invoke, credentials: Credentials) -> None:
    def unwatched(function: str, event: Any) -> Outcome:
        # Messages depend on earlier events: a settled order is not sent again.
        return Outcome(invoke(function, event).answer)

    # A refund is done once: its order is another afterwards.
    cases = [case for case in CASES.values() if case.function != "refund-order"]

    assert [line for _ in range(2) for case in cases for line in replay(case, unwatched, credentials.values())] == []


@pytest.mark.parametrize("name", ["payments-sandbox/approved", "payments-sandbox/cancel", "place-order/good"])
def test_an_event_as_it_stands_in_its_file_is_refused_until_its_placeholder_is_filled_in(
    invoke: Invoke, name: str
) -> None:
    assert invoke(CASES[name].function, CASES[name].event).answer["statusCode"] == 401


def test_each_event_has_an_expected_answer_and_each_answer_an_event() -> None:
    files = {str(path.relative_to(EVENTS)) for path in EVENTS.rglob("*") if path.is_file()} - {"README.md"}

    assert files == {f"{name}{end}" for name in CASES for end in (".json", ".expected.json")}


@each_case
def test_a_case_says_in_a_line_what_it_is_for(case: Case) -> None:
    assert re.fullmatch(r"[A-Z`].{10,}\.", case.about)


@each_case
def test_an_event_has_the_shape_that_aws_gives_it(case: Case) -> None:
    match case.event:
        case {"type": "REQUEST", "methodArn": str(arn)}:
            # The chat's authorizer gets what $connect gets, but for this member.
            model = APIGatewayWebSocketConnectEventModel if arn.endswith("/$connect") else ApiGatewayAuthorizerRequest
            model.model_validate(case.event | {"isBase64Encoded": False})
        case {"httpMethod": _, "headers": headers}:
            # The console's Test button sends null where the model knows objects only.
            APIGatewayProxyEventModel.model_validate(
                case.event | ({} if headers else {"headers": {}, "multiValueHeaders": {}})
            )
        case {"type": "TOKEN"}:
            ApiGatewayAuthorizerToken.model_validate(case.event)
        case {"rawPath": _}:
            LambdaFunctionUrlModel.model_validate(case.event)
        case {"detail-type": _}:
            EventBridgeModel.model_validate(case.event)
        case {"requestContext": {"eventType": kind}}:
            WEBSOCKET_MODELS[kind].model_validate(case.event)
        case {"Records": [{"eventSource": service}, *_]}:
            RECORD_MODELS[service].model_validate(case.event)
        case _:
            # CodeDeploy's to a hook, a mapping template's, and a refund's tasks'; no other kind is known here.
            hook, mapped = {"DeploymentId", "LifecycleEventHookExecutionId"}, {"limit", "cursor", "requestId"}
            assert case.event.keys() in (hook, mapped, Execution("an-execution", {}).event.keys())


@each_case
def test_the_parts_of_an_event_agree(case: Case) -> None:
    event = case.event
    for one, many in (("headers", "multiValueHeaders"), ("queryStringParameters", "multiValueQueryStringParameters")):
        if many in event:
            assert {name: values[-1] for name, values in (event[many] or {}).items()} == (event[one] or {})
    for record in event.get("Records", []):
        if "body" in record:
            assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()


@each_case
def test_nobody_real_is_in_an_event(case: Case) -> None:
    text = json.dumps(case.event)

    assert set(re.findall(r"\b\d{12}\b", text)) <= {"123456789012"}
    assert all(
        address.startswith("192.0.2.") or address == "127.0.0.1" for address in re.findall(r"\b(?:\d+\.){3}\d+\b", text)
    )
    assert all(mail.endswith("@example.com") for mail in re.findall(r"[\w.]+@[\w.]+", text))
    tokens = re.findall(r'"[Aa]uthorization": \[?"([^"]*)', text)
    assert set(tokens) <= {"Bearer ID-TOKEN", "Bearer ${PaymentsSecret}"}


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        (1, 1, []),
        ({"a": [1, "b", None, True]}, {"a": [1, "b", None, True]}, []),
        ({"$match": "timestamp"}, "2026-11-20T12:00:00.000Z", []),
        ({"$match": "charge-id"}, "ch-" + "0" * 24, []),
        ({"$match": "cursor"}, "A-b_" * 8, []),
        ({"$match": "message-id"}, "0123456789ab-" + "0" * 16, []),
        ({"$match": "count"}, 0, []),
        ({"$json": {"a": {"$match": "count"}}}, '{"a": 3}', []),
        (1, 2, ["answer: expected 1, got 2"]),
        (1, True, ["answer: expected 1, got true"]),
        (1, 1.0, ["answer: expected 1, got 1.0"]),
        (None, "x", ['answer: expected null, got "x"']),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["answer.a.b: expected 1, got 2"]),
        ({"a": 1}, {}, ["answer.a: expected 1, got nothing"]),
        ({"a": None}, {}, ["answer.a: expected null, got nothing"]),
        ({"a": {"$match": "count"}}, {}, ["answer.a: expected a count, got nothing"]),
        ({"a": {"$json": 1}}, {}, ['answer.a: expected {"$json": 1}, got nothing']),
        ({}, {"a": 1}, ["answer.a: expected nothing, got 1"]),
        ({}, [], ["answer: expected {}, got []"]),
        ([1], [1, 2], ["answer[1]: expected nothing, got 2"]),
        ([1, 2], [1], ["answer[1]: expected 2, got nothing"]),
        ({"$match": "timestamp"}, "2026-11-20", ['answer: expected a timestamp, got "2026-11-20"']),
        ({"$match": "timestamp"}, 1, ["answer: expected a timestamp, got 1"]),
        ({"$match": "charge-id"}, "ch-1", ['answer: expected a charge-id, got "ch-1"']),
        ({"$match": "cursor"}, "a cursor", ['answer: expected a cursor, got "a cursor"']),
        ({"$match": "message-id"}, "m-1", ['answer: expected a message-id, got "m-1"']),
        ({"$match": "count"}, -1, ["answer: expected a count, got -1"]),
        ({"$match": "count"}, True, ["answer: expected a count, got true"]),
        ({"$json": {"a": 1}}, '{"a": 2}', ["answer.a: expected 1, got 2"]),
        ({"$json": {"a": 1}}, "no json", ['answer: expected {"a": 1}, got "no json"']),
        ({"$json": {"a": 1}}, {"a": 1}, ['answer: expected {"$json": {"a": 1}}, got {"a": 1}']),
    ],
)
def test_a_difference_is_found_and_named(expected: Any, actual: Any, found: list[str]) -> None:
    assert list(differences(expected, actual, "answer")) == found


def test_a_matcher_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match="no-such-matcher"):
        list(differences({"$match": "no-such-matcher"}, "x", "answer"))


def test_placeholders_are_filled_in_wherever_they_stand() -> None:
    event = {"a": ["Bearer ${Secret}", 1, None], "b": {"c": "${Secret}${Other}"}, "d": "$default"}

    filled = filled_in(event, {"Secret": "s", "Other": "o"})

    assert filled == {"a": ["Bearer s", 1, None], "b": {"c": "so"}, "d": "$default"}
    assert event["a"] == ["Bearer ${Secret}", 1, None]


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="Secret"):
        filled_in(["${Secret}"], {})


def write(directory: Path, name: str, event: Any, **expected: Any) -> None:
    path = directory / name
    path.parent.mkdir(exist_ok=True)
    path.with_name(f"{path.name}.json").write_text(json.dumps(event))
    path.with_name(f"{path.name}.expected.json").write_text(json.dumps({"about": "A case.", **expected}))


@pytest.fixture
def two_cases(tmp_path: Path) -> Iterator[dict[str, Case]]:
    write(tmp_path, "counter/first", {"add": 1}, answer={"sum": 1})
    write(tmp_path, "counter/second", {"add": 2}, answer={"sum": 3}, given=["counter/first"], sends=[{"queue": "3"}])
    yield load(tmp_path)


def test_what_is_given_happens_before(two_cases: dict[str, Case]) -> None:
    added = []

    def count(function: str, event: Any) -> Outcome:
        assert function == "counter"
        added.append(event["add"])
        return Outcome({"sum": sum(added)}, [{"queue": "3"}] if len(added) > 1 else [])

    assert list(replay(two_cases["counter/second"], count, {})) == []
    assert added == [1, 2]


def test_each_difference_names_its_case(two_cases: dict[str, Case]) -> None:
    found = list(replay(two_cases["counter/second"], lambda function, event: Outcome({"sum": 0}, [{"event": "e"}]), {}))

    assert found == [
        "counter/first: answer.sum: expected 1, got 0",
        'counter/first: sends[0]: expected nothing, got {"event": "e"}',
        "counter/second: answer.sum: expected 3, got 0",
        'counter/second: sends[0].queue: expected "3", got nothing',
        'counter/second: sends[0].event: expected nothing, got "e"',
    ]


def test_what_nobody_could_see_is_not_compared(two_cases: dict[str, Case]) -> None:
    answers = iter([{"sum": 1}, {"sum": 3}])

    assert list(replay(two_cases["counter/second"], lambda *_: Outcome(next(answers)), {})) == []
