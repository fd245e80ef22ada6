"""Text from outside: what is stored of it, and what a terminal and a log get to see."""

import io
import json
import sys
import unicodedata
from typing import Any

import pytest

from storefront.catalog.request import ProductRequest
from storefront.chat.request import SendMessage
from storefront.identity import customer_of
from storefront.partners.outcome import is_reference
from storefront.shared.observability import logger
from storefront.shared.text import cleaned, is_clean, is_visible, printable

# One of every category that Unicode has, of planes that JSON escapes in one and in two parts.
OF_CATEGORY: dict[str, str] = {}
for _code in range(sys.maxunicode + 1):
    OF_CATEGORY.setdefault(unicodedata.category(chr(_code)), chr(_code))
ALLOWED = {category for category in OF_CATEGORY if category[0] in "LMNPS"} | {"Zs"}

WHOLE = {
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "couple with heart": "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468",
    "doctor": "\U0001f469\U0001f3fd\u200d\u2695\ufe0f",
    "light doctor": "\U0001f469\U0001f3fb\u200d\u2695\ufe0f",
    "dark doctor": "\U0001f469\U0001f3ff\u200d\u2695\ufe0f",
    "flag of Germany": "\U0001f1e9\U0001f1ea",
    "flag of Scotland": "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "flag behind a word": "I \U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f",
    "rainbow flag": "\U0001f3f3\ufe0f\u200d\U0001f308",
    "Persian": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Devanagari": "\u0915\u094d\u200d\u0937",
    "Arabic": "\u0639\u0644\u064a",
    "Japanese": "\u5c71\u7530\u3000\u592a\u90ce",
    "Vietnamese": "Nguy\u1ec5n",
}
INVISIBLE = {
    "joiner in a word": "Su\u200dpport",
    "non-joiner in a word": "Su\u200cpport",
    "joiner behind an emoji only": "\U0001f468\u200dSue",
    "joiner before an emoji only": "Sue\u200d\U0001f468",
    "joiner at the beginning": "\u200dSue",
    "joiner at the end": "Sue\u200d",
    "filler letter": "\u3164",
    "tags without a flag": "Sue\U000e0067\U000e007f",
    "tags behind a word": "\U0001f3f4x\U000e0067\U000e007f",
    "soft hyphen": "S\u00adue",
    "isolate": "Sue \u2066",
    "override": "\u202eeuS",
    "zero width space": "S\u200bue",
    "next line": "S\u0085ue",
    "line separator": "S\u2028ue",
    "CSI": "S\u009b31mue",
}


def name_of(claim: object) -> str:
    claims = {"sub": "the-customer", "token_use": "id", "aud": "the-client", "name": claim}
    return customer_of({"requestContext": {"authorizer": {"claims": claims}}}, "the-client").name


def product(**members: Any) -> ProductRequest:
    body = {"name": "Mug", "description": "", "category": "home", "price": {"amount": 1, "currency": "EUR"}, **members}
    return ProductRequest.model_validate(body)


def message(text: str) -> SendMessage:
    return SendMessage.model_validate(
        {"action": "sendMessage", "requestId": "1", "room": "support", "clientId": "1", "text": text}
    )


def test_every_category_is_known() -> None:
    assert len(OF_CATEGORY) == 30


@pytest.mark.parametrize("category", OF_CATEGORY)
def test_each_category_is_allowed_or_not_wherever_text_comes_in(category: str) -> None:
    text = f"a{OF_CATEGORY[category]}b"
    allowed = category in ALLOWED

    assert is_clean(text) is allowed
    assert (name_of(text) == unicodedata.normalize("NFC", text)) is allowed
    for make in (lambda: product(name=text), lambda: product(description=text), lambda: message(text)):
        if allowed:
            make()
        else:
            # Half a surrogate pair is not a text to pydantic.
            with pytest.raises(ValueError, match=r"can be shown|unicode"):
                make()
    assert is_reference(text) is (category in {"Nd", "Lu", "Ll", "Pd", "Pc"})


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_joined_text_stays_whole(text: str) -> None:
    assert name_of(text) == " ".join(text.split())
    assert product(name=text).name == text
    assert message(text).text == text
    assert printable(text) == text


@pytest.mark.parametrize("text", INVISIBLE.values(), ids=INVISIBLE)
def test_what_shows_nothing_is_in_no_name(text: str) -> None:
    assert is_clean(name_of(text))
    with pytest.raises(ValueError, match="can be shown"):
        product(name=text)
    with pytest.raises(ValueError, match="can be shown"):
        message(text)


@pytest.mark.parametrize("text", ["", " ", "\u3164\u115f", "\u2800", "\u0301", "\ufe0f", "\u200d"])
def test_a_name_has_something_to_see(text: str) -> None:
    assert not is_visible(text)
    assert name_of(text) == "Customer"


def test_equal_names_are_written_equally() -> None:
    assert name_of("Zoe\u0308") == name_of("Zo\u00eb") == "Zo\u00eb"
    assert product(name="Zoe\u0308").name == "Zo\u00eb"
    assert message("Zoe\u0308").text == "Zo\u00eb"


def test_a_text_that_grows_when_it_is_normalized_keeps_its_limit() -> None:
    with pytest.raises(ValueError, match="can be shown"):
        product(name="\U0001d160" * 100)


def test_a_name_is_cut_without_half_a_joined_emoji() -> None:
    assert not name_of("x" * 62 + WHOLE["family"]).endswith("\u200d")


def test_a_chat_text_may_have_lines_and_no_bare_carriage_return() -> None:
    assert message("one\r\ntwo\n\tthree").text == "one\ntwo\n\tthree"
    with pytest.raises(ValueError, match="can be shown"):
        message("one\rtwo")


@pytest.mark.parametrize("category", OF_CATEGORY)
def test_a_terminal_obeys_no_category(category: str) -> None:
    shown = printable(f"a{OF_CATEGORY[category]}b")

    assert shown.isprintable() or category == "Zs"
    assert shown.encode()


def test_what_is_shown_has_one_line_and_an_end() -> None:
    assert printable("one\r\ntwo\x1b[2J") == "one  two\N{REPLACEMENT CHARACTER}[2J"
    assert printable("x" * 10_000, 10) == "x" * 10 + "…"
    assert printable("x" * 10, 10) == "x" * 10


def test_a_lone_surrogate_does_not_cost_the_log_line(log: io.StringIO) -> None:
    logger.warning("refused \ud800", extra={"reason": "\udfff\x9b\u202e", "long": "x" * 100_000})

    line = log.getvalue()
    assert line.isascii()
    assert json.loads(line)["reason"] == "\udfff\x9b\u202e"
    assert len(line) < 3_000


def test_a_traceback_keeps_its_end(log: io.StringIO) -> None:
    try:
        int("x" * 100_000)
    except ValueError as error:
        error.add_note("the end \ud800")
        logger.exception("failed")

    assert json.loads(log.getvalue())["exception"].endswith("the end \ud800")
    assert len(log.getvalue()) < 70_000


def test_cleaned_text_is_clean() -> None:
    assert all(is_clean(cleaned(f"{text}{text}")) for text in (*WHOLE.values(), *INVISIBLE.values()))
