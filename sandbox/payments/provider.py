"""The sandbox's three operations, as a payment provider offers them."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from payments.behaviour import PENDING_SECONDS, behaviour_of
from payments.books import Books, Entry

Reply = tuple[HTTPStatus, dict[str, Any]]

_FAILURE: Reply = (HTTPStatus.INTERNAL_SERVER_ERROR, {"error": "the sandbox fails, as this amount asks it to"})
_NO_CHARGE: Reply = (HTTPStatus.NOT_FOUND, {"error": "no charge under this idempotency key"})
_STATUS_OF_CHARGE = {"approved": HTTPStatus.OK, "pending": HTTPStatus.ACCEPTED}


class SandboxProvider:
    """A payment provider that moves no money.

    Parameters
    ----------
    books
        Where charges are kept.
    sleep
        Passes the time of a slow answer, in seconds.
    """

    def __init__(self, books: Books, sleep: Callable[[float], None] = time.sleep) -> None:
        self._books = books
        self._sleep = sleep

    def charge(self, key: str, amount: int, metadata: str, now: datetime) -> Reply:
        """Make the charge, or answer with the one made before under the same key.

        `metadata` is kept as it is, for the events about the charge.
        """
        behaviour = behaviour_of(amount)
        entry = self._books.count_call(key)
        if behaviour.loses_answer and entry.status != "cancelled":
            self._books.open(key, "approved", amount, metadata, now)
            return _FAILURE
        if entry.status is None:
            if behaviour.status is None or entry.calls <= behaviour.failures:
                return _FAILURE
            entry = self._books.open(key, behaviour.status, amount, metadata, now)
            self._sleep(behaviour.seconds)
        return _STATUS_OF_CHARGE.get(str(entry.status), HTTPStatus.PAYMENT_REQUIRED), _charge(entry)

    def look_up(self, key: str, now: datetime) -> Reply:
        """Answer with the charge under a key."""
        entry = self._books.find(key)
        if entry.status is None:
            return _NO_CHARGE
        if entry.status == "pending" and _decides_itself(entry, now):
            entry = self._books.set_status(key, "approved")
        return HTTPStatus.OK, _charge(entry)

    def cancel(self, key: str) -> Reply:
        """Give the money back; where none was taken, keep it from ever being taken under this key."""
        return HTTPStatus.OK, _charge(self._books.set_status(key, "cancelled"))


def _decides_itself(entry: Entry, now: datetime) -> bool:
    waited = entry.opened_at is not None and now - entry.opened_at > timedelta(seconds=PENDING_SECONDS)
    return waited and not behaviour_of(entry.amount or 0).decided_by_event


def _charge(entry: Entry) -> dict[str, Any]:
    return {"chargeId": entry.charge_id, "status": entry.status}
