"""Under `sam local start-api` somebody is signed in; in what is deployed nobody ever is without claims."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from storefront import identity
from storefront.identity import Customer, customer_of
from storefront.shared.errors import Unauthenticated
from tools.sam_local.identity import copy_with_customer
from tools.testing.source import CODE, reads_of
from tools.testing.template import resources

PROGRAM = """
import json, sys
from storefront.identity import customer_of
customer = customer_of(json.load(sys.stdin), "the-client")
print(json.dumps([customer.id, sorted(customer.groups)]))
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    built = tmp_path / "built" / "PlaceOrderFunction"
    for name in (
        "__init__.py",
        "identity.py",
        "shared/__init__.py",
        "shared/errors.py",
        "shared/queue.py",
        "shared/text.py",
    ):
        path = built / "storefront" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((CODE[0] / "storefront" / name).read_text())
    copy_with_customer(tmp_path / "built", tmp_path / "copy", "ada", "customers")
    return tmp_path / "copy" / "PlaceOrderFunction"


def caller_in(package: Path, event: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        input=json.dumps(event),
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("authorizer", [{}, {"authorizer": None}, {"authorizer": {}}], ids=str)
def test_whoever_calls_the_copy_without_claims_is_its_customer(copy: Path, authorizer: dict[str, object]) -> None:
    called = caller_in(copy, {"requestContext": authorizer})

    assert json.loads(called.stdout) == ["ada", ["customers"]]


def test_claims_count_more_than_the_copys_customer(copy: Path) -> None:
    claims = {"sub": "grace", "token_use": "id", "aud": "the-client"}

    accepted = caller_in(copy, {"requestContext": {"authorizer": {"claims": claims}}})
    refused = caller_in(copy, {"requestContext": {"authorizer": {"claims": claims | {"aud": "other"}}}})

    assert json.loads(accepted.stdout) == ["grace", []]
    assert "Unauthenticated" in refused.stderr


def test_the_build_itself_stays_as_it_is(copy: Path) -> None:
    built = copy.parents[1] / "built" / copy.name / "storefront" / "identity.py"

    assert built.read_text() == Path(identity.__file__).read_text()


@pytest.mark.parametrize("authorizer", [{}, {"authorizer": None}, {"authorizer": {"claims": {}}}], ids=str)
def test_nothing_in_the_environment_signs_anybody_in(
    monkeypatch: pytest.MonkeyPatch, authorizer: dict[str, object]
) -> None:
    for name, value in {
        "SAM_LOCAL_CUSTOMER": "ada:support",
        "AWS_SAM_LOCAL": "true",
        "AWS_LAMBDA_LOG_STREAM_NAME": "$LATEST",
    }.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(Unauthenticated):
        customer_of({"requestContext": authorizer}, "the-client")


def test_no_deployed_code_knows_sam_local() -> None:
    functions = resources("AWS::Lambda::Function").values()
    read = {read.variable for function in functions for read in reads_of(function["Handler"])}

    assert "USER_POOL_CLIENT_ID" in read
    assert not [variable for variable in read if "SAM_LOCAL" in variable]


def test_the_identity_is_the_claims() -> None:
    claims = {"sub": "grace", "token_use": "id", "aud": "the-client", "cognito:groups": "customers,support"}

    customer = customer_of({"requestContext": {"authorizer": {"claims": claims}}}, "the-client")

    assert customer == Customer("grace", frozenset({"customers", "support"}))
