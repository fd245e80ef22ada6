"""The shop's own REST API, as anybody can call it: the only place that does."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import requests

from storefront.rollout.hook import NotFit
from storefront.shared.http import session

CONNECT_SECONDS = 1.0
# A little more than the gateway gives a function.
READ_SECONDS = 30.0
TRIES = 6
LONGEST_PAUSE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API."""

    status: int
    body: Any


class PublicApi:
    """Sends requests to the API, without any credentials.

    Parameters
    ----------
    url
        Returns its base URL.
    pause
        Waits for a number of seconds.
    """

    def __init__(self, url: Callable[[], str], pause: Callable[[float], None] = time.sleep) -> None:
        self._url = url
        self._pause = pause
        self._session = session()

    def request(self, method: str, path: str) -> Reply:
        """Send a request and return the answer.

        Raises
        ------
        NotFit
            The API does not answer, or only that we ask too often.
        """
        for _ in range(TRIES):
            reply = self._send(method, path)
            if reply.status != HTTPStatus.TOO_MANY_REQUESTS:
                return reply
            # Customers share the throttle: it says nothing about the version.
            self._pause(random.uniform(LONGEST_PAUSE_SECONDS / 4, LONGEST_PAUSE_SECONDS))  # noqa: S311 - jitter
        raise NotFit(f"{method} {path}: throttled {TRIES} times")

    def _send(self, method: str, path: str) -> Reply:
        try:
            response = self._session.request(
                method, self._url().rstrip("/") + path, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False
            )
        except requests.RequestException as error:
            raise NotFit(f"{method} {path}: no answer ({type(error).__name__})") from None
        try:
            return Reply(response.status_code, response.json())
        except ValueError:
            return Reply(response.status_code, None)
