"""Points in time: in UTC, in whole milliseconds, sortable as text."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from storefront.shared import clock

TIME = datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)


@pytest.mark.parametrize("microsecond", [999_000, 999_999])
def test_now_is_the_current_time_in_utc_and_in_whole_milliseconds(
    monkeypatch: pytest.MonkeyPatch, microsecond: int
) -> None:
    class Watch(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            assert tz is UTC
            return TIME.replace(microsecond=microsecond)

    monkeypatch.setattr(clock, "datetime", Watch)

    assert clock.now() == TIME.replace(microsecond=999_000)


@pytest.fixture
def _in_india() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as place:
        place.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_india")
def test_a_time_is_written_in_utc_and_reads_back_equal() -> None:
    elsewhere = TIME.astimezone(timezone(timedelta(hours=2)))

    assert clock.to_text(TIME) == clock.to_text(elsewhere) == "2026-01-02T03:04:05.678Z"
    assert clock.from_text(clock.to_text(TIME)) == TIME


@pytest.mark.parametrize("milliseconds", [0, 10, 100])
def test_every_text_is_as_wide_as_the_others(milliseconds: int) -> None:
    assert len(clock.to_text(TIME.replace(microsecond=milliseconds * 1000))) == len("2026-01-02T03:04:05.678Z")
