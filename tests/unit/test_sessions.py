"""Our HTTP and AWS sessions take nothing from the environment of the person who runs them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from storefront.shared import aws as of_functions
from storefront.shared.http import session
from tests.support import hostile
from tools.stack import apart
from tools.stack.stack import client
from tools.testing.template import ROOT

CODE = sorted(path for folder in ("src", "sandbox", "tools") for path in (ROOT / folder).rglob("*.py"))
# The two places that make them; the measured floors, which are no code of ours; commands on a stack on AWS, which use a
# person's credentials because that is what they are asked for.
MAKERS = {
    "src/storefront/shared/http.py",
    "tools/stack/apart.py",
    "tools/bench/floors/with_boto3.py",
    "tools/bench/broadcast.py",
    "tools/ops/back_office.py",
    "tools/ops/destroy.py",
    "tools/stack/stack.py",
}
SHORTCUTS = {"delete", "get", "head", "options", "patch", "post", "put", "request", "Session", "session"}


def made_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="requests"), attr=name)) if name in SHORTCUTS:
                yield f"requests.{name}"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="boto3"), attr="client" | "resource" | "Session")):
                yield "boto3"


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_sessions_are_made_in_few_places(path: Path) -> None:
    made = list(made_in(path))

    assert not made or str(path.relative_to(ROOT)) in MAKERS


def test_a_request_is_sent_with_its_own_secret_and_through_no_proxy(payments_sandbox: str) -> None:
    own = {"Authorization": "Bearer ours"}

    answer = session().get(payments_sandbox, headers=own, timeout=5)

    assert answer.request.headers["Authorization"] == "Bearer ours"
    # The environment does spoil what reads it.
    with pytest.raises(requests.RequestException):
        requests.get(payments_sandbox, headers=own, timeout=5)


@pytest.fixture
def hostile_aws(hostile_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in hostile.aws_environment(Path(hostile_environment["HOME"])).items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("hostile_aws")
def test_functions_read_no_files_and_know_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE")
    of_functions.session.cache_clear()

    made = of_functions.client("dynamodb")

    assert made.meta.config.proxies == {}
    of_functions.session.cache_clear()


@pytest.mark.usefixtures("hostile_aws")
def test_the_local_stack_is_called_with_its_own_keys() -> None:
    apart.session.cache_clear()

    keys = {"accessKeyId": "of the stack", "secretAccessKey": "secret"}

    made = client("dynamodb", "http://127.0.0.1:4566", keys)

    assert made.meta.endpoint_url == "http://127.0.0.1:4566"
    assert made.meta.config.proxies == {}
    assert made._request_signer._credentials.access_key == "of the stack"


@pytest.mark.usefixtures("hostile_aws")
def test_programs_of_ours_see_no_settings_for_aws() -> None:
    assert "AWS_PROFILE" not in apart.variables()
    assert "canary" not in Path(apart.variables()["AWS_CONFIG_FILE"]).read_text()
