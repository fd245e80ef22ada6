"""Points in time, as this application writes them: UTC, milliseconds, sortable as text."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the current time in UTC, in whole milliseconds (what is stored reads back equal)."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def to_text(time: datetime) -> str:
    """Return `time` as RFC 3339 text of a fixed width, so that texts sort as the times do."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """Return the time that `to_text` wrote."""
    return datetime.fromisoformat(text)
