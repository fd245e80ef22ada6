"""The payment provider: the only place that calls it.

Its API has three operations, each safe to repeat because the charge is named by an idempotency key, the order's id:
`POST /charges` makes the charge or answers with the one made before, `GET /charges/{key}` looks it up, and
`POST /charges/{key}/cancel` refunds it, or, where there is none yet, keeps it from ever being made.
"""

import json
import random
import re
from collections.abc import Callable, Mapping, Set
from http import HTTPStatus
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from storefront.orders.order import Order
from storefront.payments.charge import ID_PATTERN, Charge, Decision, PaymentUnresolved
from storefront.shared.http import session

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
RETRIES = 1
MAX_PAUSE_SECONDS = 0.5

# An order that was begun before is looked up, then charged, and looked up again where the outcome is unknown: three
# calls, each tried 1 + RETRIES times.
WORST_CASE_SECONDS = 3 * ((1 + RETRIES) * (CONNECT_SECONDS + READ_SECONDS) + RETRIES * MAX_PAUSE_SECONDS)

_DECISION_OF_STATUS = {
    "approved": Decision.APPROVED,
    "declined": Decision.DECLINED,
    "cancelled": Decision.DECLINED,
    "pending": Decision.UNDECIDED,
}

# Each status comes with its own code. A redirect, or a proxy's page, is neither success nor refusal.
_CODES_OF_CHARGE: Mapping[str, Set[int]] = {
    "approved": {HTTPStatus.OK, HTTPStatus.CREATED},
    "declined": {HTTPStatus.PAYMENT_REQUIRED},
    "cancelled": {HTTPStatus.PAYMENT_REQUIRED},
    "pending": {HTTPStatus.ACCEPTED},
}
_CODES_OF_LOOK_UP: Mapping[str, Set[int]] = {status: {HTTPStatus.OK} for status in _DECISION_OF_STATUS}


class ProviderRefusedUs(Exception):
    """The provider refused the call itself (its secret, its shape): ours to mend, not the customer's."""


class _JitteredRetry(Retry):
    """A retry after a pause of its own: urllib3 makes the first retry at once, and so do all functions together."""

    def get_backoff_time(self) -> float:
        return random.uniform(MAX_PAUSE_SECONDS / 5, MAX_PAUSE_SECONDS)  # noqa: S311 - jitter, not a secret


class PaymentProvider:
    """Charges orders.

    Parameters
    ----------
    url, secret
        Return the provider's base URL and our secret there. They are asked at each call, so that a change takes effect.
    """

    def __init__(self, url: Callable[[], str], secret: Callable[[], str]) -> None:
        self._url = url
        self._secret = secret
        self._session = session()
        retry = _JitteredRetry(
            total=RETRIES,
            # Every operation can be repeated, `POST` too.
            allowed_methods=None,
            status_forcelist=[429, 500, 502, 503, 504],
            raise_on_status=False,
            # A provider that asks for a minute would take more time than the function has.
            respect_retry_after_header=False,
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=retry))

    def charge(self, order: Order) -> Charge:
        """Charge an order once, however often this is called.

        Raises
        ------
        PaymentUnresolved
            The outcome is unknown: the provider failed, and has no such charge or did not say.
        ProviderRefusedUs
            The provider does not accept us.
        """
        body = {
            "amount": order.total.amount,
            "currency": order.total.currency,
            "reference": order.key.order_id,
            # The provider's events bring it back: an order is found only by whoever knows its customer.
            "metadata": {"customerId": order.key.customer_id},
        }
        try:
            return _charge_in(self._call("POST", "/charges", order, json=body), order, _CODES_OF_CHARGE)
        except PaymentUnresolved:
            charge = self.look_up(order)
        if charge is None:
            raise PaymentUnresolved("the provider failed and has no such charge")
        return charge

    def look_up(self, order: Order) -> Charge | None:
        """Return the order's charge as the provider has it, `None` where it has none.

        Raises
        ------
        PaymentUnresolved
            The provider did not say.
        ProviderRefusedUs
            The provider does not accept us.
        """
        response = self._call("GET", f"/charges/{order.key.order_id}", order)
        if response.status_code == HTTPStatus.NOT_FOUND and "chargeId" not in _object_in(response):
            return None
        return _charge_in(response, order, _CODES_OF_LOOK_UP)

    def cancel(self, order: Order) -> None:
        """See to it that the provider keeps no money for an order, now and later.

        Raises
        ------
        PaymentUnresolved
            The provider did not say that it has done so.
        ProviderRefusedUs
            The provider does not accept us.
        """
        response = self._call("POST", f"/charges/{order.key.order_id}/cancel", order)
        # The debt is crossed off after this: only the word itself counts, not that nothing went wrong.
        if response.status_code != HTTPStatus.OK or _object_in(response).get("status") != "cancelled":
            raise PaymentUnresolved(f"the provider answered {response.status_code}, and does not say `cancelled`")

    def _call(self, method: str, path: str, order: Order, json: dict[str, Any] | None = None) -> requests.Response:
        try:
            response = self._session.request(
                method,
                self._url().rstrip("/") + path,
                json=json,
                headers={"Authorization": f"Bearer {self._secret()}", "Idempotency-Key": order.key.order_id},
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                # Our secret goes to the provider and nowhere else.
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise PaymentUnresolved(f"the provider did not answer: {type(error).__name__}") from None
        if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST):
            raise ProviderRefusedUs(f"the payment provider answered {response.status_code}")
        return response


def _charge_in(response: requests.Response, order: Order, codes: Mapping[str, Set[int]]) -> Charge:
    """Return the charge in an answer whose code and parts agree; anything else is not an outcome."""
    body = _object_in(response)
    charge_id, status = body.get("chargeId"), body.get("status")
    if not isinstance(status, str) or response.status_code not in codes.get(status, ()):
        raise PaymentUnresolved(f"the provider answered {response.status_code}, and no status that goes with it")
    if not isinstance(charge_id, str) or not re.fullmatch(ID_PATTERN, charge_id):
        raise PaymentUnresolved("the provider's answer has no charge id")
    if order.charge_id and order.charge_id != charge_id:
        raise PaymentUnresolved("the provider's answer is about another charge")
    return Charge(charge_id, _DECISION_OF_STATUS[status])


def _object_in(response: requests.Response) -> Mapping[str, Any]:
    try:
        body = json.loads(response.content)
    # Brackets in brackets, without end.
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise PaymentUnresolved(f"the provider answered {response.status_code}, and not with a JSON object")
    return body
