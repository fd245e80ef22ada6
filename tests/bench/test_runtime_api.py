"""The runtime API: what Lambda's runtime client asks of it, over real HTTP."""

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tools.bench.runtime_api import Invocation, RuntimeApi, serving

EVENT = {"a": ["complete", "event"]}
BASE = "/2018-06-01/runtime"


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with serving(Invocation(EVENT, timeout=10, arn="the-arn", request_id="the-request")) as server:
        yield server


def ask(api: RuntimeApi, method: str, path: str, content: Any = None) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection(api.address, timeout=10)
    connection.request(method, BASE + path, None if content is None else json.dumps(content))
    answer = connection.getresponse()
    return answer.status, dict(answer.headers), answer.read()


def test_an_invocation_comes_with_all_that_a_handler_s_context_is_made_of(api: RuntimeApi) -> None:
    status, headers, content = ask(api, "GET", "/invocation/next")

    assert (status, json.loads(content)) == (200, EVENT)
    assert headers["Lambda-Runtime-Aws-Request-Id"] == "the-request"
    assert headers["Lambda-Runtime-Invoked-Function-Arn"] == "the-arn"
    assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")
    assert 0 < int(headers["Lambda-Runtime-Deadline-Ms"]) - time.time() * 1000 <= 10_000


def test_an_answer_is_taken_with_its_time(api: RuntimeApi) -> None:
    before = time.perf_counter()
    ask(api, "GET", "/invocation/next")

    status, _, _ = ask(api, "POST", "/invocation/the-request/response", {"statusCode": 200})

    assert status == 202
    assert api.ended.is_set()
    assert api.answer == {"statusCode": 200}
    assert api.asked_at and api.answered_at
    assert before < api.asked_at < api.answered_at < time.perf_counter()


@pytest.mark.parametrize("path", ["/invocation/the-request/error", "/init/error"])
def test_an_error_is_taken_and_is_no_answer(api: RuntimeApi, path: str) -> None:
    error = {"errorType": "KeyError", "errorMessage": "'PRODUCTS_TABLE'"}

    status, _, _ = ask(api, "POST", path, error)

    assert status == 202
    assert api.ended.is_set()
    assert (api.error, api.answered_at) == (error, None)


def test_there_is_one_invocation_and_whoever_asks_for_another_waits(api: RuntimeApi) -> None:
    ask(api, "GET", "/invocation/next")

    connection = http.client.HTTPConnection(api.address, timeout=0.2)
    connection.request("GET", BASE + "/invocation/next")

    with pytest.raises(TimeoutError):
        connection.getresponse()


def test_who_is_to_be_initialised_only_gets_no_event() -> None:
    with serving(None) as api:
        connection = http.client.HTTPConnection(api.address, timeout=0.2)
        connection.request("GET", BASE + "/invocation/next")

        with pytest.raises(TimeoutError):
            connection.getresponse()

    assert api.ended.is_set()
    assert api.asked_at


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/invocation/last"), ("POST", "/invocation/another-request/response"), ("POST", "/invocation/next")],
)
def test_what_is_not_of_the_protocol_is_refused(api: RuntimeApi, method: str, path: str) -> None:
    status, _, _ = ask(api, method, path, {})

    assert status == 404
    assert not api.ended.is_set()
