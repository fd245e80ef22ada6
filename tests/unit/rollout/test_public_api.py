"""How the shop's own API is called after a release: over real HTTP, since a session's settings show nowhere else."""

import pytest

from storefront.rollout import public_api
from storefront.rollout.hook import NotFit
from storefront.rollout.public_api import CONNECT_SECONDS, READ_SECONDS, TRIES, PublicApi, Reply
from tests.support.http_server import Answer, limits_given, serving
from tools.testing.template import resources


def test_an_answer_is_the_api_s_own_and_no_other_place_s() -> None:
    with serving(Answer(200, {"status": "ok"})) as elsewhere:
        with serving(Answer(302, {}, {"Location": elsewhere.url})) as server:
            assert PublicApi(lambda: server.url).request("GET", "/health") == Reply(302, {})

        assert elsewhere.requests == []


def test_an_api_that_says_nothing_is_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_api, "READ_SECONDS", 0.05)

    with serving(Answer(200, {}, seconds=5)) as server, pytest.raises(NotFit, match="no answer"):
        PublicApi(lambda: server.url).request("GET", "/health")


def test_each_request_has_both_time_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    given = limits_given(monkeypatch)
    with serving(Answer(200, {})) as server:
        PublicApi(lambda: server.url).request("GET", "/health")

    assert given == [(CONNECT_SECONDS, READ_SECONDS)]


def test_who_asks_too_often_waits_and_asks_again() -> None:
    waited: list[float] = []

    with serving(*[Answer(429, {})] * 4, Answer(200, {})) as server:
        assert PublicApi(lambda: server.url, waited.append).request("GET", "/health") == Reply(200, {})

    assert len(waited) == 4
    assert all(0 < pause < 10 for pause in waited)


def test_a_request_outlasts_the_gateway_and_the_hook_outlasts_its_slowest_request() -> None:
    # The gateway waits 29 seconds for a function.
    assert READ_SECONDS > 29
    assert resources("AWS::Lambda::Function")["PostTrafficHookFunction"]["Timeout"] > CONNECT_SECONDS + READ_SECONDS
    assert TRIES > 1
