"""The incident: a release with a bug, an order that it fails, and the alarm on the order's dead letter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

from tools.console import Problem, step
from tools.demo.api_client import ApiClient, sign_in
from tools.ops import redrive
from tools.rehearsal.alarms import MINUTE, Alarm, State
from tools.rehearsal.metrics import Measurement
from tools.rehearsal.versions import Change, Versions
from tools.stack.stack import Stack

FUNCTION = "process-orders"
QUEUE = "orders"
_SKU = "MUG-001"
_LETTER_SECONDS = 60
_POLL_SECONDS = 0.5
# The properties of the alarm that decide about its state.
_EVALUATED = (
    *("Namespace", "MetricName", "Dimensions", "Statistic", "Period", "EvaluationPeriods"),
    *("Threshold", "ComparisonOperator", "TreatMissingData"),
)


class DeadLetterAlarm:
    """The alarm on dead letters of orders. The emulator measures no queue, so `measure` does, and sets the state."""

    def __init__(self, stack: Stack) -> None:
        self._sqs, self._url = stack.client("sqs"), stack.outputs["OrdersDeadLetterQueueUrl"]
        self._cloudwatch = stack.client("cloudwatch")
        pages = self._cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=stack.name)
        alarms = (alarm for page in pages for alarm in page["MetricAlarms"])
        self._described = next(alarm for alarm in alarms if "-OrdersDeadLetterQueueAlarm-" in alarm["AlarmName"])
        self._alarm = Alarm.of({name: self._described[name] for name in _EVALUATED})
        self.name: str = self._described["AlarmName"]
        self.description: str = self._described["AlarmDescription"]

    @property
    def letters(self) -> int:
        """The letters that wait; those that somebody looks at are not among them."""
        asked = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(asked["Attributes"]["ApproximateNumberOfMessages"])

    def measure(self) -> State:
        """Set the state that CloudWatch finds after a minute with these letters, and return it."""
        letters = self.letters
        state = self._alarm.state([Measurement(self._alarm.metrics[0], MINUTE / 2, letters)], MINUTE)
        reason = f"{letters} messages wait in the dead-letter queue"
        self._cloudwatch.set_alarm_state(AlarmName=self.name, StateValue=state.value, StateReason=reason)
        return state


@dataclass(frozen=True)
class Incident:
    """A release of ``process-orders`` whose version ``bad`` has failed an order, until it is mended."""

    stack: Stack
    versions: Versions
    alarm: DeadLetterAlarm
    customer: ApiClient
    bad: str
    order_id: str

    @classmethod
    def begin(cls, stack: Stack) -> Self:
        """Make the incident, and return it as soon as the alarm fires.

        Raises
        ------
        Problem
            Dead letters wait already, or the order's message does not become one.
        """
        alarm = DeadLetterAlarm(stack)
        if alarm.letters:
            raise Problem("dead letters of orders wait already: storefront redrive orders shows them")
        versions = Versions(stack, FUNCTION)
        with step(f"release a version of {FUNCTION} that has a bug"):
            bad = versions.publish(Change.FAILS_EVERY_MESSAGE)
            versions.point_to(bad)
        customer = ApiClient(stack.url, sign_in(stack, "customer"))
        with step("order a mug"):
            order_id = customer.order({_SKU: 1}).json()["orderId"]
        incident = cls(stack, versions, alarm, customer, bad, order_id)
        try:
            with step("wait until the order's message is a dead letter"):
                incident._wait_for_the_alarm()
        except BaseException:
            incident.mend()
            raise
        return incident

    def missing(self) -> list[str]:
        """Return what is not mended yet."""
        live = self.versions.live()
        status = self.customer.request("GET", f"/orders/{self.order_id}").json()["status"]
        letters, state = self.alarm.letters, self.alarm.measure()
        found = {
            f"the alias is on version {live}, which has the bug": live == self.bad,
            f"dead letters: {letters}": letters > 0,
            f"the order is {status}": status != "CONFIRMED",
            f"the alarm is in {state.value}": state is not State.OK,
        }
        return [text for text, is_so in found.items() if is_so]

    def mend(self) -> None:
        """Put everything right, and leave no version behind that a later drill would take for a good one."""
        self.versions.point_to(self.versions.current)
        redrive.run(self.stack, QUEUE, self.order_id, True)
        self.alarm.measure()
        self.end()

    def end(self) -> None:
        """Delete the version that has the bug."""
        self.versions.delete(self.bad)

    def _wait_for_the_alarm(self) -> None:
        deadline = time.monotonic() + _LETTER_SECONDS
        while self.alarm.measure() is not State.ALARM:
            if time.monotonic() > deadline:
                raise Problem("the order's message has not become a dead letter: see storefront logs")
            time.sleep(_POLL_SECONDS)
