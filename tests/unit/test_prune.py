"""Old versions of functions: which are deleted, which stay, and what is said of the storage."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.console import Problem
from tools.ops import prune
from tools.stack.stack import StackOnAws

STACK = "storefront-dev"
GIGABYTE = 1024**3
Numbers = Callable[[], list[str]]


class Shop:
    """A stack with one function, in an account whose code storage has this number of bytes in use."""

    def __init__(self, session: boto3.Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self.used = GIGABYTE
        self.lambda_: Any = session.client("lambda")
        role = session.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        function = {
            "Type": "AWS::Lambda::Function",
            "Properties": {"Handler": "a.b", "Role": role, "Runtime": "python3.13", "Code": {"ZipFile": "first"}},
        }
        template = json.dumps({"Resources": {"PlaceOrderFunction": function}})
        session.client("cloudformation").create_stack(StackName=STACK, TemplateBody=template)
        self.stack = StackOnAws.named(STACK)
        (self.name,) = self.stack.resources("AWS::Lambda::Function").values()
        original = StackOnAws.client
        monkeypatch.setattr(StackOnAws, "client", lambda stack, service: self._client(original(stack, service)))

    def _client(self, client: Any) -> Any:
        # moto does not know the account's settings.
        limit = {"TotalCodeSize": 75 * GIGABYTE}
        client.get_account_settings = lambda: {"AccountLimit": limit, "AccountUsage": {"TotalCodeSize": self.used}}
        return client

    def release(self, count: int) -> None:
        """Publish versions, and have the alias point to the last one."""
        for number in range(count):
            code = io.BytesIO()
            with zipfile.ZipFile(code, "w") as archive:
                archive.writestr("a.py", f"# {number}")
            self.lambda_.update_function_code(FunctionName=self.name, ZipFile=code.getvalue())
            version = self.lambda_.publish_version(FunctionName=self.name)["Version"]
        self.lambda_.create_alias(FunctionName=self.name, Name="live", FunctionVersion=version)

    def versions(self) -> list[str]:
        rows = self.lambda_.list_versions_by_function(FunctionName=self.name)["Versions"]
        return [row["Version"] for row in rows]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield Shop(boto3.Session(), monkeypatch)


def test_the_last_three_versions_stay(shop: Shop) -> None:
    shop.release(6)

    prune.run(shop.stack, go=True)

    assert shop.versions() == ["$LATEST", "4", "5", "6"]


def test_a_version_that_an_alias_points_to_stays(shop: Shop) -> None:
    shop.release(6)
    shop.lambda_.update_alias(FunctionName=shop.name, Name="live", FunctionVersion="2")

    prune.run(shop.stack, go=True)

    assert shop.versions() == ["$LATEST", "2", "4", "5", "6"]


def test_both_versions_of_a_release_stay(shop: Shop) -> None:
    # given a release of version 1 that shifts traffic: a stopped one may leave it so
    shop.release(7)
    weights = {"AdditionalVersionWeights": {"1": 0.1}}
    shop.lambda_.update_alias(FunctionName=shop.name, Name="live", FunctionVersion="3", RoutingConfig=weights)

    prune.run(shop.stack, go=True)

    assert shop.versions() == ["$LATEST", "1", "3", "5", "6", "7"]


def test_without_a_yes_nothing_is_deleted(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.release(5)

    prune.run(shop.stack, go=False)

    assert shop.versions() == ["$LATEST", "1", "2", "3", "4", "5"]
    assert "2 old versions of 1 functions" in capsys.readouterr().out


def test_a_function_with_few_versions_is_left_alone(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.release(1)

    prune.run(shop.stack, go=True)

    assert shop.versions() == ["$LATEST", "1"]
    assert "deleted 0 old versions" in capsys.readouterr().out


def test_versions_are_old_by_their_number_not_by_the_order_in_which_they_are_listed() -> None:
    class Listed:
        """Lambda's lists in pages, the versions in the order of texts."""

        def get_paginator(self, operation: str) -> Any:
            rows = [{"Version": version, "CodeSize": 1} for version in ("$LATEST", "10", "11", "12", "8", "9")]
            pages = {"list_versions_by_function": [{"Versions": rows[:3]}, {"Versions": rows[3:]}]}
            answer = pages.get(operation, [{"Aliases": [{"FunctionVersion": "12"}]}])
            return type("Pages", (), {"paginate": lambda _, **__: answer})()

    assert [version.number for version in prune.old_versions(Listed(), "f")] == [8, 9]


@pytest.mark.parametrize(("used", "full"), [(59.9, False), (60.1, True)])
def test_a_storage_that_stays_nearly_full_is_a_problem(
    shop: Shop, used: float, full: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.used = int(used * GIGABYTE)

    if full:
        with pytest.raises(Problem, match="80% full"):
            prune.run(shop.stack, go=True)
    else:
        prune.run(shop.stack, go=True)

    assert f"{used:.2f} GB of 75.00 GB" in capsys.readouterr().out
