"""The shape of a refusal, whatever it travels in: RFC 9457, Problem Details for HTTP APIs."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from storefront.shared.errors import (
    Forbidden,
    InvalidRequest,
    NotFound,
    NotYet,
    PreconditionFailed,
    PreconditionRequired,
    Refusal,
    TooLarge,
    TooManyRequests,
    Unauthenticated,
    Unprocessable,
)

STATUS_OF_REFUSAL: Mapping[type[Refusal], HTTPStatus] = {
    InvalidRequest: HTTPStatus.BAD_REQUEST,
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    NotYet: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Unprocessable: HTTPStatus.UNPROCESSABLE_ENTITY,
    PreconditionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
}

UNEXPECTED = "Something went wrong on our side. Try again; if it goes on, tell us the `instance` of this answer."

# Python before 3.13 has the names of an older RFC.
_RFC_9110_PHRASES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}


def problem(status: HTTPStatus, detail: str, request_id: str) -> dict[str, Any]:
    """Return the problem details.

    Parameters
    ----------
    status
        The HTTP status.
    detail
        The problem, and the remedy.
    request_id
        The UUID under which the request is found in the logs.
    """
    return {
        # With "about:blank" the title is the status's own phrase (RFC 9457, section 4.2.1).
        "type": "about:blank",
        "title": _RFC_9110_PHRASES.get(status, status.phrase),
        "status": int(status),
        "detail": detail,
        "instance": f"urn:uuid:{request_id}",
    }
