"""Removing an environment: what is asked, what is refused, what is left."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tools.console import Problem
from tools.ops import destroy

STACK = "storefront-dev"
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    },
}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield boto3.Session()


def deploy(session: boto3.Session, **orders: object) -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Orders": {**TABLE, **orders}}}
    session.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template))


def tables(session: boto3.Session) -> list[str]:
    names: list[str] = session.client("dynamodb").list_tables()["TableNames"]
    return names


def protect(session: boto3.Session) -> None:
    (table,) = tables(session)
    session.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=True)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The text that a person types when asked for the stack's name."""
    answers: list[str] = []
    monkeypatch.setattr("builtins.input", lambda _: answers.pop())
    return answers


def removed(*, confirmed: bool = True, unprotect: bool = False) -> None:
    destroy.run(STACK, confirmed=confirmed, unprotect=unprotect)


def test_an_environment_is_removed(session: boto3.Session) -> None:
    deploy(session)

    removed()

    assert tables(session) == []
    with pytest.raises(Problem, match="this account and region have no stack storefront-dev"):
        removed()


def test_a_stack_whose_name_is_typed_is_removed(session: boto3.Session, typed: list[str]) -> None:
    deploy(session)
    typed.append(STACK)

    removed(confirmed=False)

    assert tables(session) == []


@pytest.mark.parametrize("confirmed", ["", "yes", "storefront-prod"])
def test_nothing_is_removed_unless_its_name_is_repeated(
    session: boto3.Session, typed: list[str], confirmed: str
) -> None:
    deploy(session)
    typed.append(confirmed)

    with pytest.raises(Problem, match="type storefront-dev to confirm"):
        removed(confirmed=False, unprotect=True)

    assert tables(session)


def test_what_is_protected_is_not_removed_unasked(session: boto3.Session) -> None:
    deploy(session)
    protect(session)

    with pytest.raises(Problem, match=r"deletion protection of the table \S+; --unprotect"):
        removed()

    assert tables(session)


def test_protection_is_turned_off_where_that_is_asked_for(session: boto3.Session) -> None:
    deploy(session)
    protect(session)

    removed(unprotect=True)

    assert tables(session) == []


def test_termination_protection_counts_as_well(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given what CloudFormation says of such a stack (moto cannot protect one)
    deploy(session)
    described = {"StackId": STACK, "StackName": STACK, "EnableTerminationProtection": True}
    monkeypatch.setattr(destroy, "_described", lambda *_: described)

    # Then
    with pytest.raises(Problem, match="termination protection of storefront-dev; --unprotect"):
        removed()


def test_what_the_template_keeps_is_named_and_stays_protected(
    session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given a table that outlives its stack
    deploy(session, DeletionPolicy="Retain")
    protect(session)

    # When
    removed()

    # Then nothing had to be turned off
    (table,) = tables(session)
    assert f"  {table} (AWS::DynamoDB::Table)\n" in capsys.readouterr().out
    described = session.client("dynamodb").describe_table(TableName=table)["Table"]
    assert described["DeletionProtectionEnabled"]


def test_versions_of_functions_are_not_left_though_the_template_keeps_them(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # Given what CloudFormation lists of a function's version, which SAM retains
    deploy(session, DeletionPolicy="Retain")
    listed = {"LogicalResourceId": "Orders", "PhysicalResourceId": "orders:1", "ResourceType": "AWS::Lambda::Version"}
    monkeypatch.setattr(destroy, "resources_of", lambda *_: [listed])

    # Then Lambda has deleted it with the function
    removed()
    assert "orders:1" not in capsys.readouterr().out
