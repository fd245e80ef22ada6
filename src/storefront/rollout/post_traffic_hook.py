"""The post-traffic hook: uses the shop as anybody can, once all traffic is on the new version.

The functions that its requests reach have it. About the others it could tell nothing, and 25 of it at once would use up
the throttle of customers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.rollout import code_deploy, hook
from storefront.rollout.code_deploy import CodeDeploy
from storefront.rollout.hook import NotFit
from storefront.rollout.public_api import PublicApi, Reply
from storefront.shared.aws import client
from storefront.shared.configuration import parameter
from storefront.shared.observability import logger

_code_deploy = CodeDeploy(client("codedeploy", limits=code_deploy.LIMITS))
_api = PublicApi(parameter("REST_API_URL_PARAMETER"))

# With AllAtOnce no alarm has time to fire before this hook: a version that fails one request in five gets through
# with a probability of 0.8 to the power of this, 4 in 100.
ROUNDS = 15
# For one more request and the verdict, both at their slowest.
RESERVE_MILLISECONDS = 320_000
_NOBODY_SELLS = "/products/SMOKE-TEST-404"


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Keep a release that leaves the shop open; have everything else taken back."""
    smoke_test = SmokeTest(context.get_remaining_time_in_millis)
    return hook.report(event, _code_deploy, lambda _: smoke_test.run())


@dataclass(frozen=True, slots=True)
class SmokeTest:
    """Looks at the shop from the outside, as long as ``remaining_milliseconds`` leave time for a verdict."""

    remaining_milliseconds: Callable[[], int]

    def run(self) -> None:
        """Look around, and at closed doors once; raise `NotFit` at the first wrong answer."""
        for _ in range(ROUNDS):
            self._look_around()
        # Writes are looked at once, and from outside the door only.
        self._expect("GET", "/orders", HTTPStatus.UNAUTHORIZED)
        self._expect("POST", "/orders", HTTPStatus.UNAUTHORIZED)
        self._expect("PUT", _NOBODY_SELLS, HTTPStatus.FORBIDDEN)

    def _look_around(self) -> None:
        self._expect("GET", "/health", HTTPStatus.OK)
        page = self._expect("GET", "/products?limit=1", HTTPStatus.OK)
        # A new environment has nothing to sell yet.
        for product in _items_of(page):
            self._expect("GET", f"/products/{product['sku']}", HTTPStatus.OK)
        self._expect("GET", _NOBODY_SELLS, HTTPStatus.NOT_FOUND)

    def _expect(self, method: str, path: str, status: HTTPStatus) -> Reply:
        if self.remaining_milliseconds() < RESERVE_MILLISECONDS:
            raise NotFit(f"{method} {path}: no time is left, the answers before were slow")
        reply = _api.request(method, path)
        if reply.status != status:
            raise NotFit(f"{method} {path}: expected {int(status)}, got {reply.status}")
        return reply


def _items_of(page: Reply) -> list[dict[str, Any]]:
    if not isinstance(page.body, dict) or not isinstance(page.body.get("items"), list):
        raise NotFit("GET /products: the answer is not a page of products")
    items: list[dict[str, Any]] = page.body["items"]
    return items
