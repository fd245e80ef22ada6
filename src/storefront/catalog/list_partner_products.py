"""GET /partner/products.xml.

The gateway's mapping templates make the event and the XML; the function knows neither HTTP nor XML. An error of it
begins with the status of the answer, by which the gateway selects one of its responses.
"""

import os
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from storefront.catalog.product import Product
from storefront.catalog.store import ProductStore
from storefront.shared import paging
from storefront.shared.aws import client
from storefront.shared.configuration import secret
from storefront.shared.errors import Refusal
from storefront.shared.faults import count_fault_in, is_overload
from storefront.shared.observability import logger, metrics
from storefront.shared.problem import STATUS_OF_REFUSAL, UNEXPECTED

_BUSY = "The shop is busy. Send the same request again in a moment."
_SCOPE = "partner/products"

_products = ProductStore(client("dynamodb"), os.environ["PRODUCTS_TABLE"])
_cursors = paging.Cursors(secret("CURSOR_SECRET_ARN"))


class Failed(Exception):
    """The gateway's word for what went wrong: the status, a blank, and the detail for the caller."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(f"{int(status)} {detail}")


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: dict[str, str], context: LambdaContext) -> dict[str, Any]:
    """Return a page of the catalogue."""
    logger.set_correlation_id(event["requestId"])
    try:
        return _page(event)
    except Refusal as refusal:
        logger.info("refused", extra={"refusal": type(refusal).__name__})
        raise Failed(STATUS_OF_REFUSAL[type(refusal)], refusal.detail) from None
    except Exception as error:
        logger.exception("request failed")
        count_fault_in(error)
        if is_overload(error):
            raise Failed(HTTPStatus.SERVICE_UNAVAILABLE, _BUSY) from None
        raise Failed(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED) from None


def _page(event: dict[str, str]) -> dict[str, Any]:
    # A mapping template renders a parameter that was not sent as an empty text.
    query = {name: event[name] for name in ("limit", "cursor") if event[name]}
    after = _cursors.read(_SCOPE, query["cursor"]) if "cursor" in query else None
    page = _products.page(None, paging.limit_of(query), after)
    return paging.to_json(page, Product.to_json, _cursors, _SCOPE)
