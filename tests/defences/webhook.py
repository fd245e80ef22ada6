"""Attacks on the payment provider's webhooks."""

from types import ModuleType
from typing import Any

from tests.defences.defence import Defence

MODULE = "storefront.payments.webhook_signature"
NOW = 1_795_176_000
SECRET = "secret-canary"
CONTENT, OTHER_CONTENT = "a" * 64, "b" * 64
PATH = "/webhooks/payments"


class Refused(Exception):
    """Stands for a refusal by the module at hand, whose own exception is another class once it is mutated."""


def check(module: ModuleType, *, method: str = "POST", path: str = PATH, now: float = NOW, **changes: list[str]) -> Any:
    """Send what was signed for the usual request, with some headers replaced."""
    # By the module at hand: where it leaves a part out of what is signed, so does whoever signs for it.
    genuine = module.sign("POST", PATH, NOW, CONTENT, SECRET)
    headers = {
        "X-Webhook-Timestamp": [str(NOW)],
        "X-Webhook-Content-SHA256": [CONTENT],
        "X-Webhook-Signature": [genuine],
        **{name.replace("_", "-"): values for name, values in changes.items()},
    }
    try:
        module.check_signature(method, path, module.SignedHeaders.read(headers), lambda: [SECRET], now)
    except module.NotGenuine as error:
        raise Refused from error


def unsigned(module: ModuleType) -> None:
    check(module, X_Webhook_Signature=["v1=" + "0" * 64])


def signed_for_another_body(module: ModuleType) -> None:
    check(module, X_Webhook_Content_SHA256=[OTHER_CONTENT])


def signed_for_another_route(module: ModuleType) -> None:
    check(module, path="/partner/orders")


def signed_for_another_method(module: ModuleType) -> None:
    check(module, method="DELETE")


def with_another_time(module: ModuleType) -> None:
    check(module, X_Webhook_Timestamp=[str(NOW + 60)])


def stale(module: ModuleType) -> None:
    check(module, now=NOW + 301)


def from_the_future(module: ModuleType) -> None:
    check(module, now=NOW - 301)


def with_a_header_twice(module: ModuleType) -> None:
    check(module, X_Webhook_Timestamp=[str(NOW), str(NOW - 100_000)])


def with_a_time_of_another_shape(module: ModuleType) -> None:
    check(module, X_Webhook_Timestamp=[f"{NOW}\n"])


def under_an_empty_secret(module: ModuleType) -> None:
    try:
        module.sign("POST", PATH, NOW, CONTENT, "")
    except ValueError as error:
        raise Refused from error


SIGNED = '"\\n".join((_VERSION, method, path, str(timestamp), content_sha256))'


def without(part: str) -> str:
    return SIGNED.replace(f"{part}, ", "").replace(f", {part}", "")


DEFENCES = (
    Defence(
        "a signature is one under a secret that counts",
        MODULE,
        "if not any(found):",
        "if False:",
        unsigned,
        Refused,
    ),
    Defence(
        "the hash of the body is signed", MODULE, SIGNED, without("content_sha256"), signed_for_another_body, Refused
    ),
    Defence("the path is signed", MODULE, SIGNED, without("path"), signed_for_another_route, Refused),
    Defence("the method is signed", MODULE, SIGNED, without("method"), signed_for_another_method, Refused),
    Defence("the time is signed", MODULE, SIGNED, without("str(timestamp)"), with_another_time, Refused),
    Defence(
        "the time is not long ago",
        MODULE,
        "abs(now - headers.timestamp) > TOLERANCE_SECONDS",
        "headers.timestamp - now > TOLERANCE_SECONDS",
        stale,
        Refused,
    ),
    Defence(
        "the time is not far ahead",
        MODULE,
        "abs(now - headers.timestamp) > TOLERANCE_SECONDS",
        "now - headers.timestamp > TOLERANCE_SECONDS",
        from_the_future,
        Refused,
    ),
    Defence(
        "each header is there once",
        MODULE,
        "if len(values) != 1 or not isinstance(values[0], str):",
        "if not values:",
        with_a_header_twice,
        Refused,
    ),
    Defence(
        "each header is exactly of its shape",
        MODULE,
        "if not pattern.fullmatch(value):",
        "if not pattern.match(value):",
        with_a_time_of_another_shape,
        Refused,
    ),
    Defence(
        "nobody signs with an empty secret",
        MODULE,
        "if not secret:",
        "if False:",
        under_an_empty_secret,
        Refused,
    ),
)
