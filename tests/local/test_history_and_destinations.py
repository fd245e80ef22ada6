"""CloudTrail's event history, and the destinations of asynchronous invocations, on resources of the tests' own."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.waiting import wait_until
from tools.stack.stack import Stack

Json = dict[str, Any]
CODE = "def handler(event, context):\n    if event.get('fail'): raise ValueError('no')\n    return {'did': event}\n"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def policy(action: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def role(stack: Stack, name: str) -> Iterator[str]:
    iam = stack.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    for action in ("sqs:SendMessage", "sns:Publish", "events:PutEvents", "lambda:InvokeFunction"):
        iam.put_role_policy(RoleName=name, PolicyName=action.partition(":")[0], PolicyDocument=policy(action))
    yield arn
    for each in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=each)
    iam.delete_role(RoleName=name)


def found(stack: Stack, key: str, value: str) -> list[Json]:
    attributes = [{"AttributeKey": key, "AttributeValue": value}]
    events = stack.client("cloudtrail").lookup_events(LookupAttributes=attributes)["Events"]
    return [event | {"read": json.loads(event["CloudTrailEvent"])} for event in events]


def test_the_history_says_who_changed_a_role_s_policy(stack: Stack, name: str, role: str) -> None:
    before = time.time()

    stack.client("iam").put_role_policy(RoleName=name, PolicyName="more", PolicyDocument=policy("sqs:*"))

    event = next(each for each in found(stack, "ResourceName", name) if each["EventName"] == "PutRolePolicy")
    assert event["Username"] == "root"
    assert event["EventTime"].timestamp() >= before - 1
    assert event["read"]["eventSource"] == "iam.amazonaws.com"
    assert event["read"]["userIdentity"]["type"] == "Root"
    asked = event["read"]["requestParameters"]
    assert (asked["roleName"], asked["policyName"]) == (name, "more")
    assert json.loads(asked["policyDocument"])["Statement"][0]["Action"] == "sqs:*"


def test_the_history_names_operations_of_services_that_speak_rest(stack: Stack) -> None:
    api_id, stage = stack.url.split("/")[-2:]
    stack.client("apigateway").get_stage(restApiId=api_id, stageName=stage)

    event = found(stack, "EventName", "GetStage")[0]

    assert event["ReadOnly"] == "true"
    assert event["read"]["requestParameters"] == {"restApiId": api_id, "stageName": stage}


def test_the_history_has_the_session_of_a_role_and_no_secret(stack: Stack, role: str, name: str) -> None:
    iam = stack.client("iam")
    iam.put_role_policy(RoleName=name, PolicyName="ssm", PolicyDocument=policy("ssm:*"))
    trust = json.loads(json.dumps(TRUST).replace('{"Service": "lambda.amazonaws.com"}', '{"AWS": "*"}'))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    keys = stack.client("sts").assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
    session = stack.client("ssm")
    session._request_signer._credentials.access_key = keys["AccessKeyId"]
    session._request_signer._credentials.secret_key = keys["SecretAccessKey"]
    session._request_signer._credentials.token = keys["SessionToken"]

    session.put_parameter(Name=f"/{name}", Value="hidden", Type="SecureString")

    (event,) = found(stack, "Username", "ada")
    assert event["read"]["userIdentity"]["type"] == "AssumedRole"
    assert event["read"]["userIdentity"]["arn"].endswith(f":assumed-role/{name}/ada")
    assert event["EventName"] == "PutParameter"
    assert "hidden" not in event["CloudTrailEvent"]
    session.delete_parameter(Name=f"/{name}")


def test_data_events_are_not_in_the_history(stack: Stack, name: str) -> None:
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.delete_queue(QueueUrl=url)

    assert {event["EventName"] for event in found(stack, "ResourceName", url)} == {"DeleteQueue"}


@pytest.fixture
def queue(stack: Stack, name: str) -> Iterator[tuple[str, str]]:
    sqs = stack.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    yield url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.delete_queue(QueueUrl=url)


Made = Callable[[str], str]


@pytest.fixture
def function(stack: Stack, name: str, role: str) -> Iterator[Made]:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", CODE)
    client, made = stack.client("lambda"), []

    def create(suffix: str) -> str:
        made.append(f"{name}-{suffix}")
        return str(
            client.create_function(
                FunctionName=made[-1],
                Runtime="python3.13",
                Handler="index.handler",
                Role=role,
                Code={"ZipFile": packed.getvalue()},
            )["FunctionArn"]
        )

    yield create
    for each in made:
        client.delete_function(FunctionName=each)


def invoked(stack: Stack, arn: str, event: Json, **destinations: str) -> None:
    client = stack.client("lambda")
    config = {kind: {"Destination": target} for kind, target in destinations.items()}
    client.put_function_event_invoke_config(FunctionName=arn, MaximumRetryAttempts=0, DestinationConfig=config)
    client.invoke(FunctionName=arn, InvocationType="Event", Payload=json.dumps(event))


def received(stack: Stack, url: str) -> Json:
    def message() -> Json | None:
        messages = stack.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", [])
        return json.loads(messages[0]["Body"]) if messages else None

    return wait_until(message, "a record")


def test_a_success_is_told_to_a_queue(stack: Stack, function: Made, queue: tuple[str, str]) -> None:
    url, queue_arn = queue
    arn = function("f")

    invoked(stack, arn, {"a": 1}, OnSuccess=queue_arn)

    record = received(stack, url)
    assert record["requestContext"].pop("requestId")
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {"functionArn": f"{arn}:$LATEST", "condition": "Success", "approximateInvokeCount": 1},
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": {"did": {"a": 1}},
    }


def test_a_failure_is_told_to_a_topic(stack: Stack, name: str, function: Made, queue: tuple[str, str]) -> None:
    url, queue_arn = queue
    sns = stack.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn, Attributes={"RawMessageDelivery": "true"})
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue_arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    stack.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})

    invoked(stack, function("f"), {"fail": True}, OnFailure=topic)

    record = received(stack, url)
    sns.delete_topic(TopicArn=topic)
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["responseContext"]["functionError"] == "Unhandled"
    assert record["responsePayload"]["errorMessage"] == "no"


def test_a_success_is_told_to_another_function_and_that_to_a_bus(
    stack: Stack, name: str, function: Made, queue: tuple[str, str]
) -> None:
    # given: f tells g, g tells the bus, and a rule of the bus fills the queue
    url, queue_arn = queue
    events = stack.client("events")
    bus = events.create_event_bus(Name=name)["EventBusArn"]
    rule = events.put_rule(Name=name, EventBusName=name, EventPattern='{"source": ["lambda"]}')["RuleArn"]
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "q", "Arn": queue_arn}])
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    condition = {"Resource": queue_arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed | condition]})
    stack.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    first, second = function("f"), function("g")
    config = {"OnSuccess": {"Destination": bus}}
    stack.client("lambda").put_function_event_invoke_config(FunctionName=second, DestinationConfig=config)

    invoked(stack, first, {"a": 1}, OnSuccess=second)

    event = received(stack, url)
    events.remove_targets(Rule=name, EventBusName=name, Ids=["q"])
    events.delete_rule(Name=name, EventBusName=name)
    events.delete_event_bus(Name=name)
    assert (event["source"], event["detail-type"]) == ("lambda", "Lambda Function Invocation Result - Success")
    assert event["resources"] == [second, bus]
    assert event["detail"]["requestPayload"]["responsePayload"] == {"did": {"a": 1}}
