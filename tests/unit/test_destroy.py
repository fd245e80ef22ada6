"""Removing an environment: what is asked, what is refused, what is left."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from tools.console import Problem
from tools.ops.destroy import Removal, destroy

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
def session() -> Iterator[boto3.Session]:
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


def deploy(session: boto3.Session, **orders: object) -> None:
    template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, "Orders": {**TABLE, **orders}}}
    session.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template))


def tables(session: boto3.Session) -> list[str]:
    names: list[str] = session.client("dynamodb").list_tables()["TableNames"]
    return names


def protect(session: boto3.Session) -> None:
    (table,) = tables(session)
    session.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=True)


def removed(session: boto3.Session, confirmed: str = STACK, *, unprotect: bool = False) -> list[str]:
    return destroy(Removal(STACK, session), STACK, confirmed, unprotect=unprotect)


def test_an_environment_is_removed(session: boto3.Session) -> None:
    deploy(session)

    assert removed(session) == []

    assert tables(session) == []
    with pytest.raises(Problem, match="there is no stack storefront-dev"):
        Removal(STACK, session)


@pytest.mark.parametrize("confirmed", ["", "yes", "storefront-prod"])
def test_nothing_is_removed_unless_its_name_is_repeated(session: boto3.Session, confirmed: str) -> None:
    deploy(session)

    with pytest.raises(Problem, match="type storefront-dev to confirm"):
        removed(session, confirmed, unprotect=True)

    assert tables(session)


def test_what_is_protected_is_not_removed_unasked(session: boto3.Session) -> None:
    deploy(session)
    protect(session)

    with pytest.raises(Problem, match=r"deletion protection of the table \S+; UNPROTECT=yes"):
        removed(session)

    assert tables(session)


def test_protection_is_turned_off_where_that_is_asked_for(session: boto3.Session) -> None:
    deploy(session)
    protect(session)

    removed(session, unprotect=True)

    assert tables(session) == []


def test_termination_protection_counts_as_well(session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given what CloudFormation says of such a stack (moto cannot protect one)
    deploy(session)
    described = {"StackId": STACK, "EnableTerminationProtection": True}
    monkeypatch.setattr(Removal, "_described", lambda self: described)

    # Then
    with pytest.raises(Problem, match="termination protection of storefront-dev; UNPROTECT=yes"):
        removed(session)


def test_what_the_template_keeps_is_named_and_stays_protected(session: boto3.Session) -> None:
    # Given a table that outlives its stack
    deploy(session, DeletionPolicy="Retain")
    protect(session)

    # When
    (left,) = removed(session)

    # Then nothing had to be turned off
    (table,) = tables(session)
    assert left == f"{table} (AWS::DynamoDB::Table)"
    described = session.client("dynamodb").describe_table(TableName=table)["Table"]
    assert described["DeletionProtectionEnabled"]


def test_versions_of_functions_are_not_left_though_the_template_keeps_them(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given what CloudFormation lists of a function's version, which SAM retains
    deploy(session, DeletionPolicy="Retain")
    listed = {"LogicalResourceId": "Orders", "PhysicalResourceId": "orders:1", "ResourceType": "AWS::Lambda::Version"}
    monkeypatch.setattr(Removal, "_resources", lambda self: [listed])

    # Then Lambda has deleted it with the function
    assert removed(session) == []
