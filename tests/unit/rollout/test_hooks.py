"""The release hooks: a version is let through only if it was seen to work."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from storefront.rollout import post_traffic_hook, pre_traffic_hook
from storefront.rollout.code_deploy import TRIES as CODE_DEPLOY_TRIES
from storefront.rollout.function_version import PAUSES
from storefront.rollout.hook import NotFit
from storefront.rollout.post_traffic_hook import RESERVE_MILLISECONDS
from storefront.rollout.public_api import TRIES, PublicApi, Reply
from tests.support.faults import aws_error
from tools.testing.aws import Aws
from tools.testing.aws_calls import AwsCall, Listen
from tools.testing.events import Context

EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "execution-1"}
HANDLER = "storefront.orders.process_orders.handler"
GOOD: dict[str, Any] = {"batchItemFailures": []}
RESOURCE = {"Type": "AWS::Lambda::Function", "Properties": {"Name": "orders", "Alias": "live", "TargetVersion": "8"}}
APP_SPEC = json.dumps({"version": 0.0, "Resources": [{"orders": RESOURCE}]})


class Release:
    """CodeDeploy and Lambda as they answer the pre-traffic hook, with one thing changed.

    Parameters
    ----------
    changes
        Answers by the names of operations; an exception is raised.
    """

    def __init__(self, **changes: Any) -> None:
        revision = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "a hash"}}
        content = {"appSpecContent": {"sha256": "a hash", "content": APP_SPEC}}
        self.answers: dict[str, Any] = {
            "GetDeployment": {"deploymentInfo": {"applicationName": "shop", "revision": revision}},
            "GetApplicationRevision": {"revision": revision | content},
            "GetFunctionConfiguration": {"Handler": HANDLER},
            "Invoke": lambda: {"Payload": io.BytesIO(json.dumps(GOOD).encode())},
            "PutLifecycleEventHookExecutionStatus": {},
        } | changes
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.pauses: list[float] = []

    def call(self, operation: str, parameters: dict[str, Any]) -> Any:
        self.calls.append((operation, parameters))
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    def hear(self, call: AwsCall) -> Any:
        """Answer a call in the place of AWS."""
        return self.call(call.operation, call.parameters)

    def put_lifecycle_event_hook_execution_status(self, **parameters: Any) -> None:
        """Take a verdict as a client does."""
        self.call("PutLifecycleEventHookExecutionStatus", parameters)

    @property
    def verdicts(self) -> list[str]:
        """The verdicts that CodeDeploy has received."""
        return [parameters["status"] for operation, parameters in self.calls if operation.startswith("Put")]

    def called(self, operation: str) -> dict[str, Any]:
        """The parameters of an operation that was called once."""
        (parameters,) = [parameters for name, parameters in self.calls if name == operation]
        return parameters


Check = Callable[..., Release]


@pytest.fixture
def check(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> Check:
    """Runs the pre-traffic hook against a release."""

    def check(**changes: Any) -> Release:
        release = Release(**changes)
        listen(release.hear)
        monkeypatch.setattr(pre_traffic_hook._versions, "_pause", release.pauses.append)
        answer = pre_traffic_hook.handler(EVENT, Context())  # type: ignore[arg-type]
        assert release.verdicts == [answer["status"]]
        return release

    return check


def answered(payload: bytes, **extra: Any) -> Callable[[], dict[str, Any]]:
    return lambda: {"Payload": io.BytesIO(payload), **extra}


def test_a_version_that_answers_its_probe_is_let_through(check: Check) -> None:
    release = check()

    assert release.verdicts == ["Succeeded"]
    assert release.called("PutLifecycleEventHookExecutionStatus") == {
        "deploymentId": "d-1",
        "lifecycleEventHookExecutionId": "execution-1",
        "status": "Succeeded",
    }


def test_it_is_the_new_version_that_is_called_and_not_what_the_alias_points_to(check: Check) -> None:
    invoked = check().called("Invoke")

    assert (invoked["FunctionName"], invoked["Qualifier"]) == ("orders", "8")
    assert json.loads(invoked["Payload"]) == {"Records": []}


def test_the_app_spec_is_asked_for_by_its_hash(check: Check) -> None:
    asked = check().called("GetApplicationRevision")

    assert asked == {
        "applicationName": "shop",
        "revision": {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "a hash"}},
    }


def test_an_app_spec_in_the_older_place_is_read_as_well(check: Check) -> None:
    revision = {"revisionType": "String", "string": {"sha256": "a hash"}}

    release = check(
        GetDeployment={"deploymentInfo": {"applicationName": "shop", "revision": revision}},
        GetApplicationRevision={"revision": {"revisionType": "String", "string": {"content": APP_SPEC}}},
    )

    assert release.verdicts == ["Succeeded"]


@pytest.mark.parametrize(
    "changes",
    [
        {"GetDeployment": aws_error("DeploymentDoesNotExistException")},
        {"GetDeployment": aws_error("AccessDeniedException")},
        {"GetDeployment": {"deploymentInfo": {}}},
        {"GetApplicationRevision": aws_error("RevisionDoesNotExistException")},
        {"GetApplicationRevision": {"revision": {"appSpecContent": {"content": None}}}},
        {"GetApplicationRevision": {"revision": {"appSpecContent": {"content": "version: 0.0"}}}},
        {"GetApplicationRevision": {"revision": {"appSpecContent": {"content": '{"Resources": []}'}}}},
        {"GetApplicationRevision": {"revision": {}}},
        {"GetFunctionConfiguration": aws_error("ResourceNotFoundException")},
        {"GetFunctionConfiguration": {"Handler": "storefront.orders.a_new_function.handler"}},
        {"Invoke": aws_error("TooManyRequestsException")},
        {"GetFunctionConfiguration": aws_error("TooManyRequestsException")},
        {"Invoke": ReadTimeoutError(endpoint_url="https://lambda")},
        {"Invoke": answered(b'{"errorMessage": "no", "errorType": "ImportError"}', FunctionError="Unhandled")},
        {"Invoke": answered(json.dumps(GOOD).encode(), FunctionError="Unhandled")},
        {"Invoke": answered(b'{"batchItemFailures": [{"itemIdentifier": "1"}]}')},
        {"Invoke": answered(b"not JSON")},
        {"Invoke": answered(b"null")},
    ],
    ids=" ".join,
)
def test_whatever_goes_wrong_the_version_is_refused(check: Check, changes: dict[str, Any]) -> None:
    assert check(**changes).verdicts == ["Failed"]


def test_a_function_without_a_probe_is_refused_with_what_to_do(check: Check, log: io.StringIO) -> None:
    check(GetFunctionConfiguration={"Handler": "storefront.orders.a_new_function.handler"})

    assert "storefront.orders.a_new_function.handler has no probe: add one" in log.getvalue()


def throttled_at_first(times: int, answer: Callable[[], Any]) -> Callable[[], Any]:
    """Answer as Lambda does that has no room for some calls."""
    refusals = iter(range(times))

    def answer_later() -> Any:
        if next(refusals, None) is not None:
            raise aws_error("TooManyRequestsException")
        return answer()

    return answer_later


@pytest.mark.parametrize("operation", ["GetFunctionConfiguration", "Invoke"])
def test_the_hook_waits_while_lambda_has_no_room(check: Check, operation: str) -> None:
    answers: dict[str, Callable[[], Any]] = {
        "GetFunctionConfiguration": lambda: {"Handler": HANDLER},
        "Invoke": answered(json.dumps(GOOD).encode()),
    }

    release = check(**{operation: throttled_at_first(len(PAUSES), answers[operation])})

    assert release.verdicts == ["Succeeded"]
    assert all(longest / 2 <= pause <= longest for pause, longest in zip(release.pauses, PAUSES, strict=True))


def test_a_version_that_fails_is_called_once(check: Check) -> None:
    release = check(Invoke=ReadTimeoutError(endpoint_url="https://lambda"))

    assert len([operation for operation, _ in release.calls if operation == "Invoke"]) == 1
    assert release.pauses == []


class Throttled:
    """CodeDeploy's API, which refuses each operation's first calls as it refuses too many."""

    def __init__(self, release: Release, times: int) -> None:
        self._release = release
        self._times = times
        self.requests: list[str] = []

    def answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        operation = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        self.requests.append(operation)
        if self.requests.count(operation) <= self._times:
            return self._response(400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
        body = request.body.decode() if isinstance(request.body, bytes) else request.body
        return self._response(200, self._release.call(operation, json.loads(body)))

    def _response(self, status: int, answer: Any) -> AWSResponse:
        response = AWSResponse("https://codedeploy", status, HTTPHeaders(), None)
        response._content = json.dumps(answer).encode()
        return response


Throttle = Callable[[int], tuple[Release, Throttled]]


@pytest.fixture
def throttle(listen: Listen, monkeypatch: pytest.MonkeyPatch) -> Iterator[Throttle]:
    """Runs the pre-traffic hook against a CodeDeploy that throttles; time does not pass."""
    events = pre_traffic_hook._code_deploy._codedeploy.meta.events
    registered: list[Throttled] = []

    def throttle(times: int) -> tuple[Release, Throttled]:
        release = Release()
        api = Throttled(release, times)
        registered.append(api)
        listen(lambda call: release.hear(call) if call.service == "lambda" else None)
        events.register("before-send.codedeploy", api.answer)
        monkeypatch.setattr("botocore.endpoint.time.sleep", release.pauses.append)
        pre_traffic_hook.handler(EVENT, Context())  # type: ignore[arg-type]
        return release, api

    yield throttle
    for api in registered:
        events.unregister("before-send.codedeploy", api.answer)


def test_a_throttled_hook_asks_again_and_reports_again(throttle: Throttle) -> None:
    release, api = throttle(CODE_DEPLOY_TRIES - 1)

    assert release.verdicts == ["Succeeded"]
    for operation in ("GetDeployment", "GetApplicationRevision", "PutLifecycleEventHookExecutionStatus"):
        assert api.requests.count(operation) == CODE_DEPLOY_TRIES
    assert len(release.pauses) == 3 * (CODE_DEPLOY_TRIES - 1)


def test_a_hook_that_cannot_read_says_so(check: Check, log: io.StringIO) -> None:
    # given a CodeDeploy that can be told a verdict but not asked
    release = check(GetDeployment=aws_error("ThrottlingException"))

    assert release.verdicts == ["Failed"]
    assert "release could not be checked" in log.getvalue()
    assert "release refused" not in log.getvalue()


def test_a_verdict_that_cannot_be_told_is_an_error(
    listen: Listen,
) -> None:
    release = Release(PutLifecycleEventHookExecutionStatus=aws_error("ThrottlingException"))
    listen(release.hear)

    with pytest.raises(Exception, match="ThrottlingException"):
        pre_traffic_hook.handler(EVENT, Context())  # type: ignore[arg-type]


MUG = {"sku": "MUG-001"}
OPEN = {
    ("GET", "/health"): Reply(200, {}),
    ("GET", "/products?limit=1"): Reply(200, {"items": [MUG]}),
    ("GET", "/products/MUG-001"): Reply(200, MUG),
    ("GET", "/products/SMOKE-TEST-404"): Reply(404, {}),
    ("GET", "/orders"): Reply(401, {}),
    ("POST", "/orders"): Reply(401, {}),
    ("PUT", "/products/SMOKE-TEST-404"): Reply(403, {}),
}
Smoke = Callable[..., tuple[str, list[tuple[str, str]]]]


@pytest.fixture
def smoke(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Smoke:
    """Runs the post-traffic hook against an API that answers like this."""

    def smoke(
        replies: dict[tuple[str, str], Any], remaining: int = RESERVE_MILLISECONDS
    ) -> tuple[str, list[tuple[str, str]]]:
        sent: list[tuple[str, str]] = []

        def send(_: PublicApi, method: str, path: str) -> Reply:
            sent.append((method, path))
            reply = replies[method, path]
            result: Reply = reply(sent.count((method, path))) if callable(reply) else reply
            return result

        release = Release()
        aws.ssm.put_parameter(Name="/rest-api/url", Value="https://api/prod", Type="String")
        monkeypatch.setattr(post_traffic_hook._code_deploy, "_codedeploy", release)
        monkeypatch.setattr(PublicApi, "_send", send)
        monkeypatch.setattr(post_traffic_hook._api, "_pause", lambda _: None)
        context = Context(remaining_milliseconds=remaining)
        post_traffic_hook.handler(EVENT, context)  # type: ignore[arg-type]
        (verdict,) = release.verdicts
        return verdict, sent

    return smoke


def test_a_shop_that_is_open_keeps_its_release(smoke: Smoke) -> None:
    verdict, sent = smoke(OPEN)

    assert verdict == "Succeeded"
    assert set(sent) == OPEN.keys()


@pytest.mark.parametrize(
    ("request_", "status"),
    [(request, status) for request in OPEN for status in (200, 401, 403, 404, 502) if OPEN[request].status != status],
    ids=str,
)
def test_one_other_answer_takes_the_release_back(smoke: Smoke, request_: tuple[str, str], status: int) -> None:
    assert smoke(OPEN | {request_: Reply(status, {})})[0] == "Failed"


@pytest.mark.parametrize("request_", [one for one in OPEN if one[0] == "GET" and one[1] != "/orders"])
def test_a_version_that_fails_for_one_request_in_five_is_found(smoke: Smoke, request_: tuple[str, str]) -> None:
    def sometimes(count: int) -> Reply:
        return Reply(502, None) if count % 5 == 0 else OPEN[request_]

    assert smoke(OPEN | {request_: sometimes})[0] == "Failed"


def test_a_shop_without_products_is_open(smoke: Smoke) -> None:
    assert smoke(OPEN | {("GET", "/products?limit=1"): Reply(200, {"items": []})})[0] == "Succeeded"


@pytest.mark.parametrize("body", [None, [], {}, {"items": None}, {"items": [{}]}], ids=str)
def test_a_page_that_is_none_takes_the_release_back(smoke: Smoke, body: Any) -> None:
    assert smoke(OPEN | {("GET", "/products?limit=1"): Reply(200, body)})[0] == "Failed"


def test_being_throttled_says_nothing_about_the_version(smoke: Smoke) -> None:
    def at_first(count: int) -> Reply:
        return Reply(429, {}) if count < TRIES else Reply(200, {})

    assert smoke(OPEN | {("GET", "/health"): at_first})[0] == "Succeeded"


def test_being_throttled_without_end_takes_the_release_back(smoke: Smoke) -> None:
    assert smoke(OPEN | {("GET", "/health"): Reply(429, {})})[0] == "Failed"


def test_a_smoke_test_ends_while_there_is_time_for_its_verdict(smoke: Smoke) -> None:
    assert smoke(OPEN, RESERVE_MILLISECONDS - 1) == ("Failed", [])


def test_an_address_that_is_not_there_takes_the_release_back(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a stack whose parameter is missing
    release = Release()
    monkeypatch.setattr(post_traffic_hook._code_deploy, "_codedeploy", release)

    post_traffic_hook.handler(EVENT, Context(remaining_milliseconds=RESERVE_MILLISECONDS))  # type: ignore[arg-type]

    assert release.verdicts == ["Failed"]


def test_an_api_that_does_not_answer_is_not_fit() -> None:
    with pytest.raises(NotFit, match="no answer"):
        PublicApi(lambda: "http://127.0.0.1:9").request("GET", "/health")
