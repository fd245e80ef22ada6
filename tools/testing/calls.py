"""Which AWS calls the functions make while the unit tests run, held against what their roles allow.

Every client that is made here passes its calls by `_Recorder`, before a test can put something else in AWS's place. A
call is a function's if its handler is on the stack of the thread that makes it, or of the main thread, which waits for
the threads that a function starts. At the end of a whole run of tests/unit the calls are those in tests/calls.json, or
the run fails; a run of some tests fails for calls that are not in it. `storefront calls` writes them anew.
tests/template/test_calls.py holds them against the roles.

What a call is for cannot be seen where AWS makes the name: of deployments, function versions and connections only the
action counts here.
"""

import json
import os
import re
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import pytest
from botocore.client import ClientCreator

from tools.testing.source import CODE, path_of
from tools.testing.template import ROOT, Json, resources

RECORD = ROOT / "tests" / "calls.json"
UNIT = ROOT / "tests" / "unit"
_CODE = tuple(map(str, CODE))
OF_EVENTS = "test_events.py"

# IAM knows the parts of a transaction, and not the transaction ("Using IAM with DynamoDB transactions", Amazon DynamoDB
# Developer Guide).
_PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
# What is not called in IAM as in the API, and what has names that AWS makes.
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "apigatewaymanagementapi:PostToConnection": "execute-api:ManageConnections",
}
_MADE_BY_AWS = {
    "codedeploy:GetDeployment": "deploymentgroup:${AWS::StackName}-*/*",
    "codedeploy:PutLifecycleEventHookExecutionStatus": "deploymentgroup:${AWS::StackName}-*/*",
    "codedeploy:GetApplicationRevision": "application:${AWS::StackName}-*",
    "lambda:GetFunctionConfiguration": "function:${AWS::StackName}-*",
    "lambda:InvokeFunction": "function:${AWS::StackName}-*",
    "execute-api:ManageConnections": "${ChatApi}/${Environment}/POST/@connections/*",
}


@dataclass(frozen=True, order=True)
class Call:
    """Something that a function does; ``leading_key`` is the first part of a partition key that has parts: `room#`."""

    function: str
    action: str
    resource: str
    leading_key: str = ""

    def __str__(self) -> str:
        return f"{self.action} {self.resource} {self.leading_key}".rstrip()


Calls = dict[Call, set[str]]


def recorded() -> Calls:
    """Return the calls in tests/calls.json with the tests that make them."""
    return {
        Call(function, *text.split(" ")): set(seen)
        for function, made in json.loads(RECORD.read_text()).items()
        for text, seen in made.items()
    }


@cache
def handlers() -> dict[tuple[str, str], str]:
    """Return the functions by the file and the name of their handlers."""
    found = {}
    for function, properties in resources("AWS::Lambda::Function").items():
        module, _, name = properties["Handler"].rpartition(".")
        found[str(path_of(module)), name] = function
    return found


def named(intrinsic: Any) -> str:
    """Return what the template calls a resource, from how it refers to it."""
    match intrinsic:
        case {"Fn::GetAtt": [name, "StreamArn"]}:
            return f"{name}/stream"
        case {"Fn::GetAtt": [name, _]} | {"Ref": name}:
            return str(name)
        case {"Fn::If": [_, chosen, _]}:
            return named(chosen)
        case {"Fn::Sub": str(text)}:
            text = text.partition("${AWS::AccountId}:")[2] or text
            return re.sub(r"\$\{(\w+)\.Arn\}", r"\1", text)
    raise ValueError(f"{intrinsic} refers to a resource in a way that is not known here")


class _Recorder:
    """Keeps the calls of functions with the tests that made them."""

    def __init__(self) -> None:
        self.calls: defaultdict[Call, set[str]] = defaultdict(set)

    def add(self, service: str, operation: str, parameters: Json) -> None:
        test = os.environ.get("PYTEST_CURRENT_TEST", "")
        function = _calling_function()
        if function and test.startswith("tests/unit/"):
            for action, resource, leading_key in _asked(function, service, operation, parameters):
                seen_in = "sample events" if OF_EVENTS in test else "unit tests"
                self.calls[Call(function, action, resource, leading_key)].add(seen_in)


def _calling_function() -> str:
    main = sys._current_frames().get(threading.main_thread().ident or 0)
    return _handler_on(sys._getframe()) or _handler_on(main)


def _handler_on(frame: FrameType | None) -> str:
    while frame:
        function = _handler_in(frame)
        if function:
            return function
        frame = frame.f_back
    return ""


def _handler_in(frame: FrameType) -> str:
    """Return the function whose handler this frame is, or is wrapped around: decorators call AWS, too."""
    if not frame.f_code.co_filename.startswith(_CODE):
        return ""
    codes = [frame.f_code, *(value.__code__ for value in frame.f_locals.values() if isinstance(value, FunctionType))]
    return next(filter(None, (handlers().get((code.co_filename, code.co_name)) for code in codes)), "")


def _asked(function: str, service: str, operation: str, parameters: Json) -> Iterator[tuple[str, str, str]]:
    """Yield what IAM is asked for a call: action, resource, and the first part of the partition key."""
    action = _ACTIONS.get(f"{service}:{operation}", f"{service}:{operation}")
    if service == "dynamodb":
        yield from _asked_of_tables(function, action, parameters)
        return
    match parameters:
        case _ if action in _MADE_BY_AWS:
            yield action, _MADE_BY_AWS[action], ""
        case {"Entries": entries} if service == "events":
            for entry in entries:
                yield action, _resource(function, entry["EventBusName"]), ""
        case {"QueueUrl": name} | {"SecretId": name}:
            yield action, _resource(function, name), ""
        case {"Name": name}:
            yield action, f"parameter{_parameter(function, name)}", ""
        case _:
            raise ValueError(f"{action} is called with what is not known here: add it to {Path(__file__).name}")


def _asked_of_tables(function: str, action: str, parameters: Json) -> Iterator[tuple[str, str, str]]:
    match parameters:
        case {"TransactItems": items}:
            for item in items:
                ((part, inner),) = item.items()
                yield from _asked_of_tables(function, f"dynamodb:{_PARTS[part]}", inner)
        case {"RequestItems": tables}:
            for table, items in tables.items():
                for key in _batch_keys(items):
                    yield action, _resource(function, table), _leading(table, key)
        case {"TableName": table, "IndexName": index}:
            yield action, f"{_resource(function, table)}/index/{index}", ""
        case {"TableName": table}:
            yield action, _resource(function, table), _leading(table, _key(parameters))


def _resource(function: str, value: str) -> str:
    """Return what the template calls something that a function knows from its environment."""
    return named(_reference(function, value))


def _parameter(function: str, value: str) -> str:
    reference = _reference(function, value)
    return str(reference.get("Fn::Sub") or f"${{{reference['Ref']}}}")


def _reference(function: str, value: str) -> Json:
    variables = resources("AWS::Lambda::Function")[function]["Environment"]["Variables"]
    found = [each for name, each in variables.items() if os.environ.get(name) == value and isinstance(each, dict)]
    if not found:
        raise ValueError(f"{function} uses {value}, which none of its environment variables names")
    reference: Json = found[0]
    return reference


def _batch_keys(items: Any) -> Iterator[Json]:
    if isinstance(items, dict):
        yield from items["Keys"]
        return
    for item in items:
        ((_, inner),) = item.items()
        yield inner.get("Item") or inner["Key"]


def _key(parameters: Json) -> Json:
    """Return a call's key; a query has it in an expression."""
    if "KeyConditionExpression" not in parameters:
        key: Json = parameters.get("Key") or parameters["Item"]
        return key
    names, values = parameters.get("ExpressionAttributeNames", {}), parameters["ExpressionAttributeValues"]
    equal = re.findall(r"(\S+) = (:\w+)", parameters["KeyConditionExpression"])
    return {names.get(name, name): values[value] for name, value in equal}


def _leading(table: str, key: Json) -> str:
    (partition,) = [
        each["AttributeName"]
        for each in resources("AWS::DynamoDB::Table")[table]["KeySchema"]
        if each["KeyType"] == "HASH"
    ]
    ((_, value),) = key[partition].items()
    first, separator, _ = str(value).partition("#")
    return first + separator if separator else ""


RECORDER = _Recorder()


def _watch_new_clients() -> None:
    make: Any = ClientCreator._create_api_method  # type: ignore[attr-defined]

    def watched(self: Any, method_name: str, operation: str, service_model: Any) -> Callable[..., Any]:
        method = make(self, method_name, operation, service_model)

        def call(client: Any, *args: Any, **parameters: Any) -> Any:
            RECORDER.add(service_model.service_name, operation, parameters)
            return method(client, *args, **parameters)

        call.__name__, call.__doc__ = method.__name__, method.__doc__
        return call

    ClientCreator._create_api_method = watched  # type: ignore[attr-defined]


# At once: handlers make their clients at import, and a folder's conftest.py may import them before anything else.
_watch_new_clients()


class Recording:
    """Collects what the processes of a run have recorded, and compares it in the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._worker: Any = getattr(config, "workeroutput", None)
        self._config = config
        self._narrowed = False
        self._problem = ""

    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a process of several has recorded."""
        output = getattr(node, "workeroutput", {})
        self._narrowed = self._narrowed or output.get("narrowed", True)
        for function, *rest, seen in output.get("calls", ()):
            RECORDER.calls[Call(function, *rest)].update(seen)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """See that a run is of some tests only, whichever option or plugin has chosen them."""
        self._narrowed = self._narrowed or bool(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """See that a unit test has not run."""
        if report.skipped and report.nodeid.startswith("tests/unit/"):
            self._narrowed = True

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._worker is not None:
            self._worker["narrowed"] = self._narrowed
            self._worker["calls"] = [
                (call.function, call.action, call.resource, call.leading_key, sorted(seen))
                for call, seen in RECORDER.calls.items()
            ]
        # What a test does that fails says nothing about what functions do.
        elif session.exitstatus == pytest.ExitCode.OK and not session.testsfailed:
            self._compare(session)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._problem:
            terminalreporter.section("AWS calls", red=True)
            terminalreporter.write_line(self._problem)

    def _was_whole(self) -> bool:
        option = self._config.option
        chosen = option.keyword or option.markexpr or option.deselect or option.ignore or option.ignore_glob
        # These two pass over files without saying so.
        narrowed = self._narrowed or chosen or getattr(option, "lf", False) or option.collectonly
        return not narrowed and any(UNIT.is_relative_to((ROOT / arg).resolve()) for arg in self._config.args)

    def _compare(self, session: pytest.Session) -> None:
        whole = self._was_whole()
        if os.environ.get("RECORD_CALLS"):
            if whole:
                write(RECORDER.calls)
            else:
                self._fail(session, "tests/calls.json is left as it is: it is written by a run of all unit tests")
            return
        changed = list(differences(recorded(), RECORDER.calls, whole=whole))
        if changed:
            told = "functions make other calls than tests/calls.json has: storefront calls"
            self._fail(session, "\n".join([told, *changed]))

    def _fail(self, session: pytest.Session, problem: str) -> None:
        self._problem = problem
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def differences(before: Calls, now: Calls, *, whole: bool) -> Iterator[str]:
    """Yield where the calls of a run are not those of the record; a run of some tests need not make them all."""
    for call in sorted(now.keys() - before.keys()):
        yield f"+ {call.function}: {call}"
    if whole:
        for call in sorted(before.keys() - now.keys()):
            yield f"- {call.function}: {call}"
        for call in sorted(each for each in before.keys() & now.keys() if before[each] != now[each]):
            yield f"~ {call.function}: {call} is now seen in {', '.join(sorted(now[call]))}"


def write(calls: Calls) -> None:
    """Write the record."""
    record: dict[str, dict[str, list[str]]] = {}
    for call in sorted(calls):
        record.setdefault(call.function, {})[str(call)] = sorted(calls[call])
    RECORD.write_text(json.dumps(record, indent=2) + "\n")
