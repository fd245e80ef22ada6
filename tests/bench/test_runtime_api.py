"""The runtime API: what Lambda's runtime client asks of it, over real HTTP."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tools.bench.runtime_api import Invocation, RuntimeApi

EVENT = {"a": ["complete", "event"]}
BASE = "/2018-06-01/runtime"


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as server:
        server.invocations.put(Invocation(EVENT, timeout=10, arn="the-arn"))
        yield server


def ask(api: RuntimeApi, method: str, path: str, content: Any = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(api.address, timeout=10)
    connection.request(method, BASE + path, None if content is None else json.dumps(content))
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), answer.read()


def test_an_invocation_comes_with_all_that_a_handler_s_context_is_made_of(api: RuntimeApi) -> None:
    status, headers, content = ask(api, "GET", "/invocation/next")

    assert (status, json.loads(content)) == (200, EVENT)
    assert headers["Lambda-Runtime-Aws-Request-Id"] == api.request_id
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == "the-arn"
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert 0 < int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000 <= 10_000


def test_an_answer_is_taken_with_its_time(api: RuntimeApi) -> None:
    before = time.perf_counter()
    ask(api, "GET", "/invocation/next")

    status, _, _ = ask(api, "POST", f"/invocation/{api.request_id}/response", {"statusCode": 200})

    assert status == 202
    outcome = api.outcomes.get_nowait()
    assert (outcome.answer, outcome.error) == ({"statusCode": 200}, None)
    assert before < api.asked_at < outcome.at < time.perf_counter()


@pytest.mark.parametrize("path", ["/invocation/{}/error", "/init/error"])
def test_an_error_is_taken_and_is_no_answer(api: RuntimeApi, path: str) -> None:
    error = {"errorType": "KeyError", "errorMessage": "'PRODUCTS_TABLE'"}
    ask(api, "GET", "/invocation/next")

    status, _, _ = ask(api, "POST", path.format(api.request_id), error)

    assert status == 202
    outcome = api.outcomes.get_nowait()
    assert (outcome.answer, outcome.error) == (None, error)


def test_each_invocation_is_handed_out_once_and_a_runtime_waits_for_the_next(api: RuntimeApi) -> None:
    ask(api, "GET", "/invocation/next")

    connection = http.client.HTTPConnection(api.address, timeout=0.2)
    connection.request("GET", BASE + "/invocation/next")

    with pytest.raises(TimeoutError):
        connection.getresponse()


def test_without_an_event_a_runtime_is_initialised_and_waits() -> None:
    with RuntimeApi() as api:
        connection = http.client.HTTPConnection(api.address, timeout=0.2)
        connection.request("GET", BASE + "/invocation/next")

        with pytest.raises(TimeoutError):
            connection.getresponse()

    assert api.asked.is_set()
    assert api.asked_at


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/invocation/last"), ("POST", "/invocation/another-request/response"), ("POST", "/invocation/next")],
)
def test_what_is_not_of_the_protocol_is_refused(api: RuntimeApi, method: str, path: str) -> None:
    status, _, _ = ask(api, method, path, {})

    assert status == 404
    assert api.outcomes.empty()
