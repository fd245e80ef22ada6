"""Text that others have written: what may be stored, and what may be shown.

A character is allowed by its Unicode category: letters, marks, numbers, punctuation, symbols and spaces. Everything
else steers a terminal, turns the direction of a line, breaks an XML document or shows nothing. Joiners and the tags of
flags are invisible, too, and are allowed where they join (RFC 5892, appendix A; UTS #51).
"""

import unicodedata

_VISIBLE = "LNPS"
# Letters and a symbol that show nothing (Default_Ignorable_Code_Point, and the blank pattern of Braille).
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_ZERO_WIDTH_NON_JOINER, _ZERO_WIDTH_JOINER = "\u200c", "\u200d"
_VIRAMA = 9  # the combining class of signs that bind two consonants
_ARABIC = "AL"  # the bidirectional class of letters that are written joined
_EMOJI_VARIANT = "\ufe0f"
_BLACK_FLAG = "\U0001f3f4"
_TAGS = range(0xE0020, 0xE0080)

_MAX_SHOWN = 4000


def is_clean(text: str, allowed: str = "") -> bool:
    """Tell whether a text has only characters that are allowed, and those of ``allowed``."""
    return all(character in allowed or _is_allowed(text, at) for at, character in enumerate(text))


def is_visible(text: str) -> bool:
    """Tell whether a text has at least one character that can be seen."""
    return any(unicodedata.category(character)[0] in _VISIBLE and character not in _BLANK for character in text)


def normalized(text: str) -> str:
    """Return a text in which equal characters are written equally (Unicode normalization form C)."""
    return unicodedata.normalize("NFC", text)


def cleaned(text: str, substitute: str = " ") -> str:
    """Return a text with a substitute in place of each character that is not allowed."""
    return "".join(character if _is_allowed(text, at) else substitute for at, character in enumerate(text))


def printable(text: object, limit: int = _MAX_SHOWN) -> str:
    """Return what a terminal shows and does not obey: one line, not longer than the limit."""
    full = str(text)
    in_one_line = full[: limit + 1].translate(_LINE_BREAKS)
    shown = cleaned(in_one_line, "\N{REPLACEMENT CHARACTER}")
    return shown if len(full) <= limit else f"{shown[:limit]}…"


_LINE_BREAKS = dict.fromkeys(map(ord, "\r\n\t"), " ")


def _is_allowed(text: str, at: int) -> bool:
    character = text[at]
    if character in (_ZERO_WIDTH_NON_JOINER, _ZERO_WIDTH_JOINER):
        return _joins(text, at)
    if ord(character) in _TAGS:
        return _is_of_a_flag(text, at)
    category = unicodedata.category(character)
    return (category[0] in "LMNPS" or category == "Zs") and character not in _BLANK


def _joins(text: str, at: int) -> bool:
    before, after = text[:at].rstrip(_EMOJI_VARIANT)[-1:], text[at + 1 : at + 2]
    if not before:
        return False
    if unicodedata.combining(before) == _VIRAMA:
        return True
    if not after:
        return False
    if text[at] == _ZERO_WIDTH_NON_JOINER:
        return unicodedata.bidirectional(before) == unicodedata.bidirectional(after) == _ARABIC
    return _is_emoji(before) and _is_emoji(after)


def _is_emoji(character: str) -> bool:
    # The modifiers of skin colours are no symbols of their own.
    return unicodedata.category(character) == "So" or "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_of_a_flag(text: str, at: int) -> bool:
    """Tell whether a tag stands behind a black flag, with other tags in between: England, Scotland, Wales."""
    while at and ord(text[at]) in _TAGS:
        at -= 1
    return text[at] == _BLACK_FLAG
