"""Deadlines: the worked table of R161-47 by hand, and the end of a day in Paris."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.deadlines import (
    DELAYS,
    DeadlineError,
    Delays,
    calendar_deadline,
    end_of_day_utc,
    explain,
    paris_date,
    parse_day,
    transmission_deadline,
    working_days_after,
)
from fse.working_days import Calendar, Place

if TYPE_CHECKING:
    from collections.abc import Callable

NATIONAL = Calendar(Place("62"))
LOCAL = Calendar(Place("68"))


def day(text: str) -> date:
    """Return the day of an ISO text."""
    return date.fromisoformat(text)


# start, 8 jours ouvrés, the same with Good Friday and 26 December off, 8 calendar days, 3 jours ouvrés, end of the
# acknowledgement wait (start as emission day), end of the re-emission that follows it
WORKED = [
    ("2024-03-28", "2024-04-10", "2024-04-11", "2024-04-05", "2024-04-03", "2024-04-02", "2024-04-04"),
    ("2024-04-26", "2024-05-13", "2024-05-13", "2024-05-04", "2024-05-02", "2024-04-30", "2024-05-03"),
    ("2025-03-03", "2025-03-13", "2025-03-13", "2025-03-11", "2025-03-06", "2025-03-05", "2025-03-07"),
    ("2025-04-16", "2025-04-29", "2025-04-30", "2025-04-24", "2025-04-22", "2025-04-18", "2025-04-23"),
    ("2025-04-30", "2025-05-14", "2025-05-14", "2025-05-08", "2025-05-06", "2025-05-05", "2025-05-07"),
    ("2025-05-28", "2025-06-11", "2025-06-11", "2025-06-05", "2025-06-03", "2025-06-02", "2025-06-04"),
    ("2025-12-22", "2026-01-05", "2026-01-06", "2025-12-30", "2025-12-26", "2025-12-24", "2025-12-29"),
    ("2026-04-01", "2026-04-14", "2026-04-15", "2026-04-09", "2026-04-07", "2026-04-03", "2026-04-08"),
    ("2026-05-12", "2026-05-26", "2026-05-26", "2026-05-20", "2026-05-18", "2026-05-15", "2026-05-19"),
    ("2026-12-23", "2027-01-06", "2027-01-06", "2026-12-31", "2026-12-29", "2026-12-28", "2026-12-30"),
]


@pytest.mark.parametrize(("start", "eight", "local", "plain", "three", "wait", "again"), WORKED)
def test_worked_deadlines(start: str, eight: str, local: str, plain: str, three: str, wait: str, again: str) -> None:
    """Every column of the table worked by hand holds."""
    assert transmission_deadline(day(start), NATIONAL) == day(eight)
    assert transmission_deadline(day(start), LOCAL) == day(local)
    assert calendar_deadline(day(start)) == day(plain)
    assert transmission_deadline(day(start), NATIONAL, direct=True) == day(three)
    assert working_days_after(day(start), NATIONAL, DELAYS.acknowledgement) == day(wait)
    assert working_days_after(day(wait), NATIONAL, DELAYS.reemission) == day(again)


def test_other_delays_are_followed() -> None:
    """A profile with other delays moves every deadline."""
    delays = Delays(transmission=5, direct=1, paper=10)
    assert transmission_deadline(day("2025-03-03"), NATIONAL, delays=delays) == day("2025-03-10")
    assert transmission_deadline(day("2025-03-03"), NATIONAL, direct=True, delays=delays) == day("2025-03-04")
    assert calendar_deadline(day("2025-03-03"), delays) == day("2025-03-13")


def test_each_delay_says_where_it_comes_from() -> None:
    """A delay carries its unit, source and certainty; those of the 1998 wording stay marked uncertain."""
    marks = {one.name: (one.default, one.metadata["unit"], one.metadata["certainty"]) for one in fields(Delays)}
    assert marks == {
        "transmission": (8, "jours ouvrés", "A"),
        "direct": (3, "jours ouvrés", "A"),
        "acknowledgement": (2, "jours ouvrés", "U"),
        "reemission": (2, "jours ouvrés", "U"),
        "paper": (8, "calendar days", "A"),
    }
    assert all("R161-47" in one.metadata["source"] for one in fields(Delays))


def test_explanation_by_hand() -> None:
    """From Wednesday 30 April 2025, 2 jours ouvrés: each day has its rank or the reason why it has none."""
    found = [(one.day.day, one.counted, one.fr, one.en) for one in explain(day("2025-04-30"), NATIONAL, 2)]
    assert found == [
        (30, None, "jour de départ, non compté", "starting day, not counted"),
        (1, None, "jour férié : Fête du Travail", "holiday: Labour Day"),
        (2, 1, "jour ouvré 1", "working day 1"),
        (3, None, "samedi", "Saturday"),
        (4, None, "dimanche", "Sunday"),
        (5, 2, "jour ouvré 2", "working day 2"),
    ]


@given(st.dates(date(2015, 1, 1), date(2050, 1, 1)), st.integers(0, 12), st.sampled_from([NATIONAL, LOCAL]))
def test_explanation_counts_like_the_deadline(start: date, count: int, calendar: Calendar) -> None:
    """The explanation is gapless, ends on the deadline and ranks 1 to n in order."""
    found = explain(start, calendar, count)
    assert [one.day for one in found] == [start + timedelta(days=n) for n in range(len(found))]
    assert found[-1].day == working_days_after(start, calendar, count)
    assert [one.counted for one in found if one.counted] == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2025-03-13", "2025-03-13T22:59:59.999999+00:00"),
        ("2025-07-14", "2025-07-14T21:59:59.999999+00:00"),
        ("2025-03-29", "2025-03-29T22:59:59.999999+00:00"),
        ("2025-03-30", "2025-03-30T21:59:59.999999+00:00"),
        ("2025-10-25", "2025-10-25T21:59:59.999999+00:00"),
        ("2025-10-26", "2025-10-26T22:59:59.999999+00:00"),
    ],
)
def test_end_of_day(text: str, end: str) -> None:
    """The end of a day in Paris is right in winter, in summer and on the days when the clocks change."""
    found = end_of_day_utc(day(text))
    assert found.isoformat() == end
    assert found.tzinfo is UTC


@given(st.dates(date(1998, 1, 1), date(2199, 12, 30)))
def test_the_next_microsecond_is_the_next_day(one: date) -> None:
    """The end of a day belongs to it, and nothing lies between it and the next day."""
    end = end_of_day_utc(one)
    assert paris_date(end) == one
    assert paris_date(end + timedelta(microseconds=1)) == one + timedelta(days=1)


def test_paris_date_of_other_zones() -> None:
    """An instant is dated in Paris, wherever it was written."""
    assert paris_date(datetime(2025, 3, 3, 23, 30, tzinfo=UTC)) == day("2025-03-04")
    assert paris_date(datetime(2025, 3, 4, 1, 0, tzinfo=timezone(timedelta(hours=4)))) == day("2025-03-03")


def test_an_instant_without_zone_is_refused() -> None:
    """A local time without a zone cannot be dated."""
    with pytest.raises(DeadlineError) as caught:
        paris_date(datetime(2025, 3, 3, 23, 30))  # noqa: DTZ001 - the case under test
    assert caught.value.rule.id == "DEADLINE-INSTANT"


def test_days_that_people_write() -> None:
    """An ISO day is read as it stands."""
    assert parse_day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("2025-02-29", "DEADLINE-DATE"),
        ("2025-13-01", "DEADLINE-DATE"),
        ("20250301", "DEADLINE-DATE"),
        ("2025-W10-1", "DEADLINE-DATE"),
        ("03/03/2025", "DEADLINE-DATE"),
        ("", "DEADLINE-DATE"),
        ("1997-12-31", "DEADLINE-RANGE"),
    ],
)
def test_days_that_do_not_exist(text: str, rule: str) -> None:
    """What is no day of the calendar is refused by name."""
    with pytest.raises(DeadlineError) as caught:
        parse_day(text)
    assert caught.value.rule.id == rule


def test_deadlines_refuse_what_is_no_date() -> None:
    """A text where a day is expected is refused, in plain days too."""
    with pytest.raises(DeadlineError) as caught:
        calendar_deadline("2025-03-03")  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.rule.id == "DEADLINE-DATE"


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: parse_day("demain"), ("demain", "AAAA-MM-JJ", "YYYY-MM-DD")),
        (lambda: parse_day("1990-01-01"), ("1990-01-01", "1998-01-01", "2199-12-31")),
        (lambda: working_days_after(day("2025-03-03"), NATIONAL, -1), ("-1", "1000", "1000")),
        (lambda: paris_date(datetime(2025, 3, 3)), ("2025-03-03T00:00:00", "UTC", "UTC")),  # noqa: DTZ001 - the case
        (lambda: Place("99"), ("99", "976", "976")),
    ],
)
def test_refusals_say_what_to_do(ask: Callable[[], object], words: tuple[str, str, str]) -> None:
    """Each refusal repeats what was given and says what would do, in French and in English."""
    with pytest.raises(DeadlineError) as caught:
        ask()
    given_text, french, english = words
    assert given_text in caught.value.message("fr")
    assert french in caught.value.message("fr")
    assert given_text in caught.value.message("en")
    assert english in caught.value.message("en")
