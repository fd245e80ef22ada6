"""The post-traffic hook: uses the shop as anybody can, once all traffic is on the new version.

Whatever function a release is about, it is the public API that is looked at: it is what customers see of it.
"""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.rollout import hook
from storefront.rollout.code_deploy import CodeDeploy, HookExecution
from storefront.rollout.hook import NotFit
from storefront.rollout.public_api import PublicApi, Reply
from storefront.shared.aws import client
from storefront.shared.configuration import parameter
from storefront.shared.observability import logger

_code_deploy = CodeDeploy(client("codedeploy"))
_api = PublicApi(parameter("REST_API_URL_PARAMETER"))

# With AllAtOnce there is no time for an alarm before this hook: a version that fails one request in five gets through
# with a probability of 0.8 to the power of this, 4 in 100.
ROUNDS = 15
_NOBODY_SELLS = "/products/SMOKE-TEST-404"


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
    """Keep a release that leaves the shop open; have everything else taken back."""
    return hook.report(event, _code_deploy, _check)


def _check(_: HookExecution) -> None:
    for _round in range(ROUNDS):
        _look_around()
    # Writes are looked at once, and from outside the door only.
    _expect("GET", "/orders", HTTPStatus.UNAUTHORIZED)
    _expect("POST", "/orders", HTTPStatus.UNAUTHORIZED)
    _expect("PUT", _NOBODY_SELLS, HTTPStatus.FORBIDDEN)


def _look_around() -> None:
    _expect("GET", "/health", HTTPStatus.OK)
    page = _expect("GET", "/products?limit=1", HTTPStatus.OK)
    # A new environment has nothing to sell yet.
    for product in _items_of(page):
        _expect("GET", f"/products/{product['sku']}", HTTPStatus.OK)
    _expect("GET", _NOBODY_SELLS, HTTPStatus.NOT_FOUND)


def _expect(method: str, path: str, status: HTTPStatus) -> Reply:
    reply = _api.request(method, path)
    if reply.status != status:
        raise NotFit(f"{method} {path}: expected {int(status)}, got {reply.status}")
    return reply


def _items_of(page: Reply) -> list[dict[str, Any]]:
    if not isinstance(page.body, dict) or not isinstance(page.body.get("items"), list):
        raise NotFit("GET /products: the answer is not a page of products")
    items: list[dict[str, Any]] = page.body["items"]
    return items
