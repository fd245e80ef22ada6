"""Webhook signatures: every signed field altered, every shape refused, and nothing but the provider's own passes."""

import hmac
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.payments.webhook_signature import (
    MAX_SIGNATURES,
    TOLERANCE_SECONDS,
    NotGenuine,
    SignedHeaders,
    check_signature,
    content_sha256,
    sign,
)
from tools.ops import webhook

NOW = 1_795_176_000
BODY = b'{"eventId": "evt-1"}'
SECRET = "the-secret"
PREVIOUS = "the-secret-before"
TIMESTAMP, CONTENT, SIGNATURE = "X-Webhook-Timestamp", "X-Webhook-Content-SHA256", "X-Webhook-Signature"
OTHER_HEX = "0" * 64

Headers = dict[str, Sequence[str]]


def request(**changes: Sequence[str]) -> Headers:
    """Return the headers of a genuine request, some replaced."""
    genuine = {name: [value] for name, value in webhook.signed(BODY, [SECRET], timestamp=NOW).items()}
    names = {"timestamp": TIMESTAMP, "content": CONTENT, "signature": SIGNATURE}
    return {**genuine, **{names[name]: values for name, values in changes.items()}}


def check(
    headers: Headers,
    *,
    method: str = "POST",
    path: str = webhook.PATH,
    secrets: Sequence[str] = (SECRET, PREVIOUS),
    now: float = NOW,
) -> None:
    check_signature(method, path, SignedHeaders.read(headers), lambda: secrets, now)


def refused(headers: Headers, **circumstances: object) -> None:
    with pytest.raises(NotGenuine) as refusal:
        check(headers, **circumstances)  # type: ignore[arg-type]
    assert SECRET not in str(refusal.value)


def signature_of(headers: Headers) -> str:
    return headers[SIGNATURE][0]


def test_what_the_provider_signs_is_taken() -> None:
    check(request())


def test_the_text_that_is_signed_is_the_documented_one() -> None:
    text = f"v1\nPOST\n/webhooks/payments\n{NOW}\n{content_sha256(BODY)}"

    assert sign("POST", "/webhooks/payments", NOW, content_sha256(BODY), SECRET) == "v1=" + (
        hmac.new(SECRET.encode(), text.encode(), "sha256").hexdigest()
    )


def test_the_case_of_a_header_s_name_does_not_count() -> None:
    check({name.lower(): values for name, values in request().items()})


@pytest.mark.parametrize("seconds", [0, 1, TOLERANCE_SECONDS, -TOLERANCE_SECONDS])
def test_a_clock_may_be_five_minutes_off(seconds: int) -> None:
    check(request(), now=NOW + seconds)


@pytest.mark.parametrize("seconds", [300.5, 301, 86_400])
def test_a_stale_request_is_refused(seconds: float) -> None:
    refused(request(), now=NOW + seconds)


@pytest.mark.parametrize("seconds", [300.5, 301, 86_400])
def test_a_request_from_the_future_is_refused(seconds: float) -> None:
    refused(request(), now=NOW - seconds)


def test_an_altered_time_is_refused() -> None:
    refused(request(timestamp=[str(NOW + 1)]))


def test_an_altered_hash_of_the_body_is_refused() -> None:
    refused(request(content=[content_sha256(BODY + b" ")]))


def test_a_signature_for_another_method_is_refused() -> None:
    refused(request(), method="PUT")


@pytest.mark.parametrize("path", ["/webhooks/payments/", "/webhooks/other", "/local/webhooks/payments", ""])
def test_a_signature_for_another_path_is_refused(path: str) -> None:
    refused(request(), path=path)


def test_a_signature_under_another_secret_is_refused() -> None:
    refused(request(), secrets=["another"])


def test_the_parts_cannot_be_moved_into_one_another() -> None:
    # given a path that swallows what follows it, were there nothing between the parts
    forged = sign("POST", f"{webhook.PATH}1", int(str(NOW)[1:] + "0"), content_sha256(BODY), SECRET)

    refused(request(signature=[forged]))


@pytest.mark.parametrize("secrets", [[SECRET], [SECRET, PREVIOUS]], ids=["never rotated", "rotated"])
def test_the_current_secret_counts(secrets: list[str]) -> None:
    check(request(), secrets=secrets)


def test_the_secret_before_counts() -> None:
    check(request(), secrets=["the-new-secret", SECRET])


def test_the_secret_before_the_one_before_does_not_count() -> None:
    refused(request(), secrets=["the-new-secret", "the-one-before"])


@pytest.mark.parametrize("position", range(3))
def test_one_signature_of_several_is_enough(position: int) -> None:
    signatures = [f"v1={OTHER_HEX}"] * 2
    signatures.insert(position, signature_of(request()))

    check(request(signature=[",".join(signatures)]))
    check(request(signature=[", ".join(signatures)]))


def test_signatures_of_a_version_that_is_not_known_are_passed_over() -> None:
    check(request(signature=[f"v2={OTHER_HEX}," + signature_of(request())]))


@pytest.mark.parametrize("prefix", ["v2=", "v0=", "v10=", "v1", "V1=", "", "sha256=", "v1=v1="])
def test_a_signature_under_another_prefix_is_refused(prefix: str) -> None:
    refused(request(signature=[signature_of(request()).replace("v1=", prefix)]))


@pytest.mark.parametrize(
    "altered",
    [
        pytest.param(lambda one: one[:-1], id="cut"),
        pytest.param(lambda one: one[:35], id="cut in half"),
        pytest.param(lambda one: "v1=", id="cut to nothing"),
        pytest.param(lambda one: one + "0", id="padded"),
        pytest.param(lambda one: one + "=", id="padded like base64"),
        pytest.param(lambda one: one + "X", id="padded with a letter"),
        pytest.param(lambda one: one.upper(), id="re-cased"),
        pytest.param(lambda one: "v1=" + one[3:].upper(), id="digits re-cased"),
        pytest.param(lambda one: one[:-1] + ("0" if one[-1] != "0" else "1"), id="last digit altered"),
        pytest.param(lambda one: "v1=" + ("0" if one[3] != "0" else "1") + one[4:], id="first digit altered"),
        pytest.param(lambda one: "v1=" + one[:2:-1], id="turned round"),
        pytest.param(lambda one: one + "\n", id="a line feed"),
        pytest.param(lambda one: one + "\x00", id="a null"),
        pytest.param(lambda one: one + ",", id="and an empty one"),
        pytest.param(lambda one: "," + one, id="after an empty one"),
        pytest.param(lambda one: one.replace("v1=", "v1=\u0660"), id="a digit that is not ASCII"),
        pytest.param(lambda one: one + "é", id="not ASCII"),
        pytest.param(lambda one: ",".join([one] * (MAX_SIGNATURES + 1)), id="too many"),
        pytest.param(lambda one: one + " " * 10_000, id="too long"),
        pytest.param(lambda one: "", id="empty"),
        pytest.param(lambda one: " ", id="blank"),
    ],
)
def test_an_altered_signature_is_refused(altered: object) -> None:
    refused(request(signature=[altered(signature_of(request()))]))  # type: ignore[operator]


def test_as_many_signatures_as_are_taken_are_taken() -> None:
    check(request(signature=[",".join([f"v1={OTHER_HEX}"] * (MAX_SIGNATURES - 1) + [signature_of(request())])]))


def test_a_header_as_long_as_it_may_be_is_taken_and_a_longer_one_is_not() -> None:
    longest = signature_of(request()).ljust(MAX_SIGNATURES * len(f"v123={'0' * 128},"))

    check(request(signature=[longest]))
    refused(request(signature=[longest + " "]))


@pytest.mark.parametrize(
    "timestamp",
    ["", " ", "0", "-1", f"+{NOW}", f" {NOW}", f"{NOW} ", f"{NOW}\n", f"{NOW}.0", f"0{NOW}", "1e9", "now", "9" * 12,
     "9" * 5000, str(NOW)[:-1], str(NOW).replace("1", "\u0661"), "2026-11-20T12:00:00Z", "NaN"],
)  # fmt: skip
def test_a_time_of_another_shape_is_refused(timestamp: str) -> None:
    refused(request(timestamp=[timestamp]))


@pytest.mark.parametrize(
    "content",
    ["", content_sha256(BODY)[:-1], content_sha256(BODY) + "0", content_sha256(BODY).upper(), "g" * 64, "é" * 64,
     content_sha256(BODY) + "\n", "UNSIGNED-PAYLOAD", "0" * 10_000],
)  # fmt: skip
def test_a_hash_of_another_shape_is_refused(content: str) -> None:
    # given a provider that signs even that
    signature = sign("POST", webhook.PATH, NOW, content, SECRET)

    refused(request(content=[content], signature=[signature]))


@pytest.mark.parametrize("name", [TIMESTAMP, CONTENT, SIGNATURE])
def test_a_header_that_is_missing_is_refused(name: str) -> None:
    headers = request()
    del headers[name]

    refused(headers)
    refused({**headers, name: []})


@pytest.mark.parametrize("name", [TIMESTAMP, CONTENT, SIGNATURE])
@pytest.mark.parametrize("genuine_first", [True, False])
def test_a_header_that_is_there_twice_is_refused(name: str, genuine_first: bool) -> None:
    headers = request()
    others = {TIMESTAMP: str(NOW - 1), CONTENT: OTHER_HEX, SIGNATURE: f"v1={OTHER_HEX}"}
    values = [headers[name][0], others[name]]

    refused({**headers, name: values if genuine_first else values[::-1]})
    refused({**headers, name.lower(): [others[name]]})
    refused({**headers, name: [headers[name][0]] * 2})


def test_a_header_that_is_no_text_is_refused() -> None:
    refused({**request(), TIMESTAMP: [NOW]})  # type: ignore[list-item]


def test_an_empty_secret_signs_and_checks_nothing() -> None:
    for secrets in ([""], [SECRET, ""]):
        with pytest.raises(ValueError, match="empty"):
            check(request(), secrets=secrets)


def test_no_secret_is_asked_for_before_the_request_could_be_genuine() -> None:
    def secrets() -> list[str]:
        pytest.fail("asked for a secret")

    with pytest.raises(NotGenuine):
        check_signature("POST", webhook.PATH, SignedHeaders.read(request()), secrets, NOW + 10_000)


def test_every_signature_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append((one, other)) or one == other)
    signatures = [signature_of(request()), f"v1={OTHER_HEX}"]

    check(request(signature=[",".join(signatures)]))

    # All of them, also after one that was right.
    expected = [sign("POST", webhook.PATH, NOW, content_sha256(BODY), secret) for secret in (SECRET, PREVIOUS)]
    assert compared == [(given, genuine) for given in signatures for genuine in expected]


@given(timestamp=st.text(max_size=20), content=st.text(max_size=70), signature=st.text(max_size=100))
def test_whatever_is_made_up_is_refused_and_breaks_nothing(timestamp: str, content: str, signature: str) -> None:
    refused({TIMESTAMP: [timestamp], CONTENT: [content], SIGNATURE: [signature]})
