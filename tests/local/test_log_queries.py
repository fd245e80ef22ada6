"""CloudWatch Logs reads events as on AWS: filter patterns, metric filters, Logs Insights, the shop's saved queries."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from tests.support.waiting import wait_until
from tools.stack.stack import Stack

# The events and patterns of "Filter pattern syntax", Amazon CloudWatch Logs User Guide
TRAIL = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "ThisFlag": True,
}
PEOPLE = {
    "user": {"id": 1, "email": "John.Stiles@example.com"},
    "users": [{"id": 2, "email": "John.Doe@example.com"}, {"id": 3, "email": "Jane.Doe@example.com"}],
    "actions": ["GET", "PUT", "DELETE"],
    "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
}
MET = [
    (TRAIL, '{ $.eventType = "UpdateTrail" }'),
    (TRAIL, "{ $.eventType = Update* }"),
    (TRAIL, "{ $.eventType = %^Upd% }"),
    (TRAIL, "{ $.sourceIPAddress != 123.123.* }"),
    (TRAIL, '{ $.arrayKey[0] = "value" }'),
    (TRAIL, "{ $.objectList[1].id = 2 }"),
    (TRAIL, "{ $.SomeObject IS NULL }"),
    (TRAIL, "{ $.SomeOtherObject NOT EXISTS }"),
    (TRAIL, "{ $.ThisFlag IS TRUE }"),
    (PEOPLE, '{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }'),
    (
        PEOPLE,
        '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch && $.actions[2] = nomatch }',
    ),
    ({"status": 500, "latency": 101}, "{ $.status = 500 && $.latency > 100 }"),
    ({"latency": 55.5}, "{ $.latency <= +5.55e1 }"),
    ("[ERROR] Caught IllegalArgumentException", "ERROR Exception"),
    ("ERROR message", "ERROR -WARN"),
    ("WARN message", "?ERROR ?WARN"),
    ("Unable to continue: Failed to process the request", '"Failed to process"'),
]
NOT_MET = [
    (TRAIL, "{ $.SomeOtherObject IS NULL }"),
    (TRAIL, '{ $.arrayKey != "value" }'),
    (PEOPLE, '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }'),
    (
        PEOPLE,
        '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = nonmatch) && $.actions[2] = nomatch }',
    ),
    ({"status": 500, "latency": 100}, "{ $.status = 500 && $.latency > 100 }"),
    ("no JSON", "{ $.status NOT EXISTS }"),
    ("ERROR WARN message", "ERROR -WARN"),
    ("error message", "ERROR"),
]


@pytest.fixture(scope="module")
def logs(stack: Stack) -> Any:
    return stack.client("logs")


@pytest.fixture
def group(logs: Any) -> Iterator[str]:
    name = f"/test/{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="stream")
    yield name
    logs.delete_log_group(logGroupName=name)


def put(logs: Any, group: str, *messages: Any, stream: str = "stream") -> None:
    now = int(time.time() * 1000)
    texts = [message if isinstance(message, str) else json.dumps(message) for message in messages]
    events = [{"timestamp": now + number, "message": text} for number, text in enumerate(texts)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


Ask = Callable[[str, str], list[dict[str, str]]]


@pytest.fixture(scope="module")
def ask(logs: Any) -> Ask:
    def run(group: str, query: str) -> list[dict[str, str]]:
        now = int(time.time())
        started = logs.start_query(logGroupName=group, startTime=now - 3600, endTime=now + 60, queryString=query)
        rows = logs.get_query_results(queryId=started["queryId"])["results"]
        return [{cell["field"]: cell["value"] for cell in row if cell["field"] != "@ptr"} for row in rows]

    return run


@pytest.mark.parametrize(("event", "pattern"), MET, ids=lambda value: value if isinstance(value, str) else "")
def test_an_event_meets_a_pattern(logs: Any, event: Any, pattern: str) -> None:
    message = event if isinstance(event, str) else json.dumps(event)

    assert logs.test_metric_filter(filterPattern=pattern, logEventMessages=[message])["matches"]


@pytest.mark.parametrize(("event", "pattern"), NOT_MET, ids=lambda value: value if isinstance(value, str) else "")
def test_an_event_does_not_meet_a_pattern(logs: Any, event: Any, pattern: str) -> None:
    message = event if isinstance(event, str) else json.dumps(event)

    assert logs.test_metric_filter(filterPattern=pattern, logEventMessages=[message])["matches"] == []


def test_events_are_found_by_their_json(logs: Any, group: str) -> None:
    put(logs, group, {"status": 500, "latency": 101}, {"status": 200, "latency": 900}, {"status": 500, "latency": 5})

    found = logs.filter_log_events(logGroupName=group, filterPattern="{ $.status = 500 && $.latency > 100 }")["events"]

    assert [json.loads(event["message"])["latency"] for event in found] == [101]


@pytest.mark.parametrize("pattern", ["{ $.status = }", "{ $.status > high }", '"open', "[ip, user]"])
def test_a_pattern_that_cannot_be_read_is_refused(logs: Any, group: str, pattern: str) -> None:
    transformation = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.put_metric_filter(
            logGroupName=group, filterName="f", filterPattern=pattern, metricTransformations=[transformation]
        )
    with pytest.raises(ClientError, match="InvalidParameterException"):
        logs.filter_log_events(logGroupName=group, filterPattern=pattern)


def test_a_metric_filter_publishes_the_numbers_of_matching_events(stack: Stack, logs: Any, group: str) -> None:
    namespace = group.strip("/").replace("/", "-")
    transformation = {
        "metricName": "Latency",
        "metricNamespace": namespace,
        "metricValue": "$.latency",
        "dimensions": {"route": "$.route"},
        "unit": "Milliseconds",
    }
    logs.put_metric_filter(
        logGroupName=group, filterName="f", filterPattern="{ $.latency = * }", metricTransformations=[transformation]
    )

    put(logs, group, {"latency": 20, "route": "/a"}, {"latency": 22, "route": "/a"}, {"latency": 1}, "no JSON")

    assert total(stack, namespace, "Latency", {"route": "/a"}) == 42


def test_an_authorizer_s_failure_becomes_a_metric(stack: Stack) -> None:
    def failures() -> float:
        return total(stack, "Storefront", "AuthorizerFailures", {"service": stack.name})

    logs, before = stack.client("logs"), failures()
    group = logs.describe_metric_filters(metricNamespace="Storefront", metricName="AuthorizerFailures")
    name = group["metricFilters"][0]["logGroupName"]
    stream = uuid.uuid4().hex
    logs.create_log_stream(logGroupName=name, logStreamName=stream)

    put(logs, name, *({"level": level, "service": stack.name} for level in ("ERROR", "INFO")), stream=stream)

    assert failures() == before + 1


def total(stack: Stack, namespace: str, metric: str, dimensions: dict[str, str]) -> float:
    now = time.time()
    found = stack.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - 3600,
        EndTime=now + 60,
        Period=7200,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in found["Datapoints"]))


REQUESTS = [
    {"route": "/a", "status": "200", "ms": 10, "user": {"id": "u1"}},
    {"route": "/a", "status": "500", "ms": 30, "user": {"id": "u1"}},
    {"route": "/b", "status": "403", "ms": 20, "user": {"id": "u2"}},
    "user=u3, took 7 ms",
]
QUERIES = [
    ('filter status in ["403", "500"] | stats count(*) as n by route | sort route', [("/a", "1"), ("/b", "1")]),
    ("stats avg(ms), max(ms / 10), pct(ms, 50), count(ms)", [("20", "3", "20", "3")]),
    ("filter user.id = 'u1' and not (ms > 20) | fields route, ms * 2 as twice", [("/a", "20")]),
    ('parse "user=*, took * ms" as who, took | filter ispresent(who) | display who, took', [("u3", "7")]),
    (r"parse @message /user=(?<who>\w+)/ | filter who like /^(?i)U/ | fields toupper(who)", [("U3",)]),
    ("filter @message not like 'took' | sort ms desc | limit 2 | display ms", [("30",), ("20",)]),
    ("# the routes\nfilter ispresent(route) | dedup route | sort route desc | display route", [("/b",), ("/a",)]),
    ("stats count(*) as times by bin(1d) | display times", [("4",)]),
    ("stats latest(ms) as last, earliest(ms) as first, count_distinct(route)", [("20", "10", "2")]),
]


@pytest.mark.parametrize(("query", "rows"), QUERIES, ids=[query for query, _ in QUERIES])
def test_a_query_reads_json_fields(logs: Any, group: str, ask: Ask, query: str, rows: list[tuple[str, ...]]) -> None:
    put(logs, group, *REQUESTS)

    assert [tuple(row.values()) for row in ask(group, query)] == rows


@pytest.mark.parametrize("query", ["filtr x = 1", "stats nope(x)", 'parse "a*" as b, c', "filter x like /(/"])
def test_a_query_that_cannot_be_read_is_refused(group: str, ask: Ask, query: str) -> None:
    with pytest.raises(ClientError, match="MalformedQueryException"):
        ask(group, query)


@pytest.fixture(scope="module")
def saved(logs: Any) -> dict[str, str]:
    found = logs.describe_query_definitions()["queryDefinitions"]
    return {each["name"].partition("/")[2]: each["queryString"] for each in found}


def test_the_saved_query_of_refused_requests_finds_one(
    stack: Stack, logs: Any, ask: Ask, saved: dict[str, str]
) -> None:
    assert requests.get(f"{stack.url}/orders", timeout=30).status_code == 401

    rows = ask(f"/aws/apigateway/{stack.name}/rest-api", saved["refused requests"])

    # Other tests were refused, too, for other reasons.
    mine = {"method": "GET", "resourcePath": "/orders", "status": "401", "errorType": "UNAUTHORIZED"}
    (row,) = [
        row for row in rows if mine | {"sourceIp": "127.0.0.1"} == {name: row[name] for name in (*mine, "sourceIp")}
    ]
    assert int(row["times"]) > 0


def test_the_saved_query_of_slow_functions_reads_lambda_s_reports(
    stack: Stack, logs: Any, group: str, ask: Ask, saved: dict[str, str]
) -> None:
    # given a cold call as "Lambda report log line" has it, a warm one, and a real one
    report = "REPORT RequestId: r\tDuration: %s ms\tBilled Duration: 5 ms\tMemory Size: 512 MB\tMax Memory Used: 90 MB"
    put(logs, group, f"{report % '20.5'}\tInit Duration: 300.25 ms", report % "4.5", "END RequestId: r")
    assert requests.get(f"{stack.url}/products", timeout=30).ok
    prefix = f"/aws/lambda/{stack.name}/list-products"
    (real,) = [each["logGroupName"] for each in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]]

    (row,) = ask(group, saved["slow functions"])
    (of_real,) = wait_until(lambda: ask(real, saved["slow functions"]), "a report of the function")

    assert row == {
        "@log": group,
        "calls": "2",
        "p50": "4.5",
        "p99": "20.5",
        "megabytes": "90",
        "coldStarts": "1",
        "p99ColdStart": "300.25",
    }
    assert float(of_real["p99"]) > 0


def test_the_saved_queries_of_errors_and_of_one_order_read_the_functions_lines(
    logs: Any, group: str, ask: Ask, saved: dict[str, str]
) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    line = {"level": "ERROR", "function_name": "f", "message": "m", "correlation_id": nobody, "order_id": "o"}
    put(logs, group, line, line, line | {"level": "INFO", "correlation_id": "another"})

    (error,) = ask(group, saved["errors by function"])
    first, second = ask(group, saved["one order"])

    assert (error["times"], error["function_name"], error["message"]) == ("2", "f", "m")
    assert first["order_id"] == second["order_id"] == "o"
