"""Request bodies, held against a model."""

import codecs
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from storefront.shared.errors import InvalidRequest

_MAX_FINDINGS = 5

Model = TypeVar("Model", bound=BaseModel)


def without_mark(body: bytes) -> bytes:
    """Return a JSON document without the byte order mark that some programs begin it with (RFC 8259, section 8.1)."""
    return body.removeprefix(codecs.BOM_UTF8)


def parse(model: type[Model], body: bytes, rules: Mapping[str, str]) -> Model:
    """Return what a body holds.

    Parameters
    ----------
    model
        What it must hold.
    body
        A JSON document, as it was sent.
    rules
        What a text must look like, in words, by the name of its member.

    Raises
    ------
    InvalidRequest
        It holds none; the detail says where and why, and repeats nothing of the input.
    """
    try:
        return model.model_validate_json(without_mark(body))
    except ValidationError as error:
        findings = error.errors(include_input=False, include_url=False, include_context=False)
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
    if kind == "string_pattern_mismatch":
        message = rules[str(path[-1])]
    elif kind == "extra_forbidden":
        message = "a member that is not known here; leave it out"
    return f"{pointer}: {message}"
