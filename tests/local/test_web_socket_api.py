"""WebSocket APIs: routes, integrations, what goes back, quotas; each test fails on the emulator as it is installed."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.local.conftest import RouteApis
from tests.support.route_apis import NAME, ORIGIN, template
from tools.stack.stack import Stack, client

Socket = ClientConnection


@pytest.fixture(scope="module")
def address(route_apis: RouteApis) -> str:
    return f"{route_apis.address('Chat')}/test"


@pytest.fixture(scope="module")
def opened(address: str) -> Iterator[Callable[[], Socket]]:
    """Opens connections; they are closed together, which takes the emulator half a second."""
    with ThreadPoolExecutor(8) as pool, ExitStack() as exits:
        sockets: list[Socket] = []
        exits.callback(lambda: list(pool.map(lambda each: each.close(), sockets)))

        def opened() -> Socket:
            sockets.append(connect(address.replace("http", "ws"), proxy=None, ping_interval=None, legacy=True))
            return sockets[-1]

        yield opened


@pytest.fixture(scope="module")
def shared(opened: Callable[[], Socket]) -> Socket:
    """A connection for the tests that leave it open."""
    return opened()


@pytest.fixture(scope="module")
def commands(stack: Stack, address: str) -> Any:
    return client("apigatewaymanagementapi", address, stack.credentials)


Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def ask(shared: Socket) -> Ask:
    """Sends messages, and returns the answer to the last one."""

    def ask(*messages: Any) -> Any:
        for message in messages:
            shared.send(message if isinstance(message, str) else json.dumps(message))
        return json.loads(shared.recv(timeout=10))

    return ask


def test_a_body_goes_back_only_where_the_route_has_a_route_response(ask: Ask) -> None:
    answer = ask({"action": "oneway"}, {"action": "silent"}, {"action": "twoway"})

    assert answer["requestContext"]["routeKey"] == "twoway"


def test_an_event_says_when_the_connection_began_and_which_message_it_is(ask: Ask) -> None:
    first, second = (ask({"action": "twoway"})["requestContext"] for _ in range(2))

    assert first["connectedAt"] == second["connectedAt"] <= first["requestTimeEpoch"]
    assert first["messageId"] != second["messageId"]
    assert first["messageDirection"] == "IN"


def test_templates_are_selected_by_the_message_and_responses_by_the_error(ask: Ask) -> None:
    assert ask({"action": "mapped", "name": "Ann"}) == {"said": "Ann mapped said"}
    assert ask({"action": "mapped", "kind": "bad"}) == {"lost": "it not found"}


def test_a_mock_answers_by_its_template(ask: Ask) -> None:
    assert ask({"action": "mock"})["mocked"] == ask({"action": "twoway"})["requestContext"]["connectionId"]


def test_a_service_is_called_under_the_integration_s_role(stack: Stack, ask: Ask) -> None:
    sqs = stack.client("sqs")
    message = {"action": "queue", "text": "a&b"}

    ask(message, {"action": "twoway"})

    url = sqs.get_queue_url(QueueName=f"{NAME}-queue")["QueueUrl"]
    received = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    assert [json.loads(each["Body"]) for each in received] == [message]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"action": "oneway", "do": "fail"}, "Internal server error"),
        ({"action": "oneway", "do": "short"}, "Internal server error"),
        ({"action": "none"}, "Forbidden"),
        ("not JSON", "Forbidden"),
    ],
)
def test_errors_go_back_on_every_route(ask: Ask, message: Any, text: str) -> None:
    error = ask(message)

    assert (error.keys(), error["message"]) == ({"message", "connectionId", "requestId"}, text)


@pytest.mark.parametrize(("what", "status"), [("refuse", 418), ("fail", 500)])
def test_a_refused_handshake_has_the_function_s_status(address: str, what: str, status: int) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"{address.replace('http', 'ws')}?do={what}", proxy=None),
    ):
        pass

    assert refused.value.response.status_code == status


def test_the_function_of_connect_chooses_the_subprotocol(address: str) -> None:
    offered = [Subprotocol("other"), Subprotocol("chosen")]

    with connect(f"{address.replace('http', 'ws')}?do=protocol", proxy=None, subprotocols=offered) as socket:
        assert socket.subprotocol == "chosen"


def test_a_back_end_sees_sends_to_and_ends_a_connection(commands: Any, opened: Callable[[], Socket]) -> None:
    socket = opened()
    socket.send('{"action": "twoway"}')
    connection = json.loads(socket.recv(timeout=10))["requestContext"]["connectionId"]

    found = commands.get_connection(ConnectionId=connection)

    now = datetime.now(UTC)
    assert now - timedelta(minutes=5) < found["ConnectedAt"] <= found["LastActiveAt"] <= now
    assert found["Identity"]["SourceIp"] == "127.0.0.1"
    assert found["Identity"]["UserAgent"].startswith("Python")
    commands.post_to_connection(ConnectionId=connection, Data=b"hello")
    assert socket.recv(timeout=10) == "hello"
    with pytest.raises(commands.exceptions.PayloadTooLargeException):
        commands.post_to_connection(ConnectionId=connection, Data=b"x" * (128 * 1024 + 1))
    commands.delete_connection(ConnectionId=connection)
    with pytest.raises(ConnectionClosed):
        socket.recv(timeout=10)
    for command in (commands.get_connection, commands.delete_connection):
        with pytest.raises(commands.exceptions.GoneException):
            command(ConnectionId=connection)


def test_a_connection_is_known_to_its_stage_only(stack: Stack, address: str, ask: Ask) -> None:
    connection = ask({"action": "twoway"})["requestContext"]["connectionId"]
    elsewhere = client("apigatewaymanagementapi", f"{address}-other", stack.credentials)

    with pytest.raises(ClientError, match="Gone"):
        elsewhere.get_connection(ConnectionId=connection)


def frames(*sizes: int) -> list[str]:
    return ["é" * (size // 2) for size in sizes]


def test_a_message_may_have_128_kb_in_frames_of_32_kb(shared: Socket) -> None:
    start, end = '{"action": "twoway", "x": "', '"}'
    filled = [start + "x" * (32 * 1024 - len(start)), *frames(*[32 * 1024] * 2), "x" * (32 * 1024 - len(end)) + end]

    shared.send(filled)

    assert json.loads(json.loads(shared.recv(timeout=10))["body"])["action"] == "twoway"


@pytest.mark.parametrize(
    ("message", "code"),
    [(frames(32 * 1024 + 2), 1009), (frames(*[32 * 1024] * 4, 2), 1009), ([b"binary"], 1003)],
    ids=["frame", "message", "binary"],
)
def test_larger_ones_and_binary_ones_end_the_connection(opened: Callable[[], Socket], message: Any, code: int) -> None:
    socket = opened()
    socket.send(message)

    with pytest.raises(ConnectionClosed):
        socket.recv(timeout=10)
    assert socket.close_code == code


def test_an_update_of_the_stack_changes_the_apis_and_keeps_their_ids(
    stack: Stack, route_apis: RouteApis, ask: Ask
) -> None:
    RouteApis.deploy(stack, template("heard", max_age=61), "update")

    assert ask({"action": "mapped", "name": "Ann"}) == {"heard": "Ann mapped heard"}
    assert ask({"action": "mapped", "kind": "bad"}) == {"lost": "it not found"}
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    preflight = requests.options(f"{route_apis.address('Sam')}/items/7", headers=asking, timeout=30)
    assert preflight.headers["Access-Control-Max-Age"] == "61"
    assert requests.get(f"{route_apis.address('Sam')}/items/7", timeout=30).json()["routeKey"] == "GET /items/{id}"
