"""Request bodies, held against a model."""

import codecs
from collections.abc import Mapping
from typing import TypeVar

from pydantic import AfterValidator, BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from storefront.shared.errors import InvalidRequest
from storefront.shared.text import is_clean, is_visible, normalized

_MAX_FINDINGS = 5
_PATTERN_MISMATCH = "string_pattern_mismatch"

Model = TypeVar("Model", bound=BaseModel)


def readable(longest: int, *, may_be_blank: bool = False, breaks: str = "") -> AfterValidator:
    """Return the rule for a text that people will read: it is normalized, and refused unless it can be shown.

    Parameters
    ----------
    longest
        How many characters it may have when it is normalized.
    may_be_blank
        Whether it may show nothing.
    breaks
        The control characters that it may have.
    """

    def rule(text: str) -> str:
        text = normalized(text.replace("\r\n", "\n"))
        if not is_clean(text, breaks) or len(text) > longest or not (may_be_blank or is_visible(text)):
            raise PydanticCustomError(_PATTERN_MISMATCH, "not a text that can be shown")
        return text

    return AfterValidator(rule)


def without_mark(body: bytes) -> bytes:
    """Return a JSON document without the byte order mark that some programs begin it with (RFC 8259, section 8.1)."""
    return body.removeprefix(codecs.BOM_UTF8)


def parse(model: type[Model], body: bytes, rules: Mapping[str, str]) -> Model:
    """Return what a body holds.

    Parameters
    ----------
    model
        The members that it must have.
    body
        A JSON document, as it was sent.
    rules
        The form of a text, in words, by the name of its member.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where and why, without the input.
    """
    try:
        return model.model_validate_json(without_mark(body))
    except ValidationError as error:
        findings = error.errors()
        shown = [
            _finding(finding["loc"], finding["type"], finding["msg"], rules) for finding in findings[:_MAX_FINDINGS]
        ]
        if len(findings) > _MAX_FINDINGS:
            shown.append(f"and {len(findings) - _MAX_FINDINGS} more")
        # Not from the error: it repeats the input, and a traceback that this comes to stand in would log it.
        raise InvalidRequest("; ".join(shown) + ".") from None


def _finding(location: tuple[int | str, ...], kind: str, message: str, rules: Mapping[str, str]) -> str:
    if kind == "json_invalid":
        return "The body is not valid JSON"
    # A key that is not ours is the caller's own text; it is not repeated.
    path = location[:-1] if kind == "extra_forbidden" else location
    pointer = "".join(f"/{part}" for part in path) or "the body"
    if kind == _PATTERN_MISMATCH:
        message = rules[str(path[-1])]
    elif kind == "extra_forbidden":
        message = "a member that is not known here; leave it out"
    return f"{pointer}: {message}"
