"""Records the AWS calls of the functions in the unit tests, and compares them with tests/calls.json.

A call belongs to a function if its handler is on the stack of the calling thread, or of the main thread, which waits
for the threads that a function starts. A whole run of tests/unit fails unless its calls are those in tests/calls.json;
a run of some tests fails for calls that are not in it. `storefront calls` writes them anew.
"""

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from types import FrameType, FunctionType
from typing import Any

import pytest

from tools.testing.aws_calls import AwsCall, record_calls
from tools.testing.calls import Call, differences, recorded, write
from tools.testing.iam import asked_for
from tools.testing.source import CODE, path_of
from tools.testing.template import ROOT, resources

UNIT = ROOT / "tests" / "unit"
OF_EVENTS = "test_events.py"
_CODE = tuple(map(str, CODE))


class _Recorder:
    """Keeps the calls of functions with the tests that made them."""

    def __init__(self) -> None:
        self.calls: defaultdict[Call, set[str]] = defaultdict(set)

    def add(self, made: AwsCall) -> None:
        """Keep a call that a unit test has a function make."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "")
        function = _calling_function()
        if function and test.startswith("tests/unit/"):
            for call in asked_for(function, made):
                self.calls[call].add("sample events" if OF_EVENTS in test else "unit tests")


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


@cache
def handlers() -> dict[tuple[str, str], str]:
    """Return the functions by the file and the name of their handlers."""
    found = {}
    for function, properties in resources("AWS::Lambda::Function").items():
        module, _, name = properties["Handler"].rpartition(".")
        found[str(path_of(module)), name] = function
    return found


RECORDER = _Recorder()
# At once: handlers make their clients at import, and a folder's conftest.py may import them before anything else.
record_calls(RECORDER.add)


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
        # A test that fails does not show the calls of functions.
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
