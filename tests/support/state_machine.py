"""The refund's state machine as Step Functions runs it, one task at a time, from refund.asl.json itself."""

import json
from collections.abc import Callable
from typing import Any

from tools.testing.template import ROOT

Json = dict[str, Any]

DEFINITION: Json = json.loads((ROOT / "refund.asl.json").read_text())
_STATES: Json = DEFINITION["States"]


class Execution:
    """An execution, which stands at a task until it is told what came of it.

    Parameters
    ----------
    name, request
        Its name and its input.
    most_tries
        How often a task is tried, where the definition says more: else a history would have to be long.

    Attributes
    ----------
    status
        As DescribeExecution has it.
    output
        Its output, once it has succeeded.
    put_aside
        The message that it has sent to the dead-letter queue.
    attempts
        The number of tasks that have ended; one that ends after its time is over counts no more.
    """

    def __init__(self, name: str, request: Json, most_tries: int = 100) -> None:
        self.name, self.request, self._most_tries = name, request, most_tries
        self.status, self.output, self.put_aside = "RUNNING", {}, {}  # type: tuple[str, Json, Json]
        self._input: Json = request
        self.attempts = 0
        self._enter(DEFINITION["StartAt"])

    @property
    def event(self) -> Json:
        """The event that the task's function is called with."""
        payload: Json = self._filled(_STATES[self._state]["Parameters"]["Payload"])
        return payload

    def ended(self, answer: Json | None) -> None:
        """Go on after a task: with the function's answer, or with `None` where it failed."""
        state = _STATES[self._state]
        self.attempts += 1
        if answer is not None:
            assert state["ResultSelector"] == {"outcome.$": "$.Payload.outcome"}
            self._input = {"outcome": str(answer["outcome"])}
            self._enter(state["Next"])
        elif self._tries < min(self._most_tries, 1 + state["Retry"][0]["MaxAttempts"]):
            self._tries += 1
        else:
            self._input = {"Error": "Unhandled"}
            self._enter(state["Catch"][0]["Next"])

    def run(self, call: Callable[[Json], Json]) -> None:
        """Run to the end with a function that answers or raises."""
        while self.status == "RUNNING":
            try:
                answer = call(self.event)
            except Exception:
                answer = None
            self.ended(answer)

    def stop(self) -> None:
        """End here, as by TimeoutSeconds or StopExecution."""
        self.attempts += 1
        self.status = "TIMED_OUT"

    def _enter(self, name: str) -> None:
        """Go through states until one is a function's task, or the end."""
        self._state, self._tries = name, 1
        state = _STATES[name]
        match state["Type"]:
            case "Choice":
                (choice,) = state["Choices"]
                chosen = self._input[choice["Variable"].removeprefix("$.")] == choice["StringEquals"]
                self._enter(choice["Next"] if chosen else state["Default"])
            case "Succeed":
                self.status, self.output = "SUCCEEDED", self._input
            case "Fail":
                self.status = "FAILED"
            case "Task" if state["Resource"].endswith(":sqs:sendMessage"):
                self.put_aside = self._filled(state["Parameters"]["MessageBody"])
                self._enter(state["Next"])

    def _filled(self, template: Json) -> Json:
        context = {"$$.Execution.Name": self.name, "$$.Execution.Input": self.request}
        return {
            name.removesuffix(".$"): context[value] if name.endswith(".$") else value
            for name, value in template.items()
        }
