"""Working days: the numbers of jours ouvrés by hand, and the ``holidays`` package as a judge."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.holiday_table import easter
from fse.working_days import Calendar, DeadlineError, Place

NATIONAL = Calendar(Place("62"))
LOCAL = Calendar(Place("68"))
WITHOUT_TEMPLE = Calendar(Place("67", good_friday=False))

days = st.dates(date(1998, 1, 1), date(2190, 12, 31))
counts = st.integers(0, 40)
calendars = st.sampled_from([NATIONAL, LOCAL, WITHOUT_TEMPLE])


def year_days(year: int) -> list[date]:
    """Return every day of a year."""
    return [date(year, 1, 1) + timedelta(days=n) for n in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]


@pytest.mark.parametrize("year", range(1998, 2101))
def test_easter_agrees_with_the_holidays_package(year: int) -> None:
    """Easter Monday is the one of an independent package, in every year that it covers."""
    assert (
        holidays.country_holidays("FR", years=year, language="fr")[easter(year) + timedelta(days=1)]
        == "Lundi de Pâques"
    )


@pytest.mark.parametrize(
    "known",
    [
        date(1818, 3, 22),
        date(1943, 4, 25),
        date(1954, 4, 18),
        date(1981, 4, 19),
        date(2008, 3, 23),
        date(2190, 4, 25),
        date(2285, 3, 22),
    ],
)
def test_extreme_easters(known: date) -> None:
    """The earliest and latest Easters of the published lists, and the two exceptions of the epact, come out."""
    assert easter(known.year) == known


@pytest.mark.parametrize("year", range(2015, 2051))
def test_holidays_agree_with_the_holidays_package(year: int) -> None:
    """Metropolitan and Alsace-Moselle holidays are those that an independent package lists."""
    for calendar, judge in (
        (NATIONAL, holidays.country_holidays("FR", years=year)),
        (LOCAL, holidays.country_holidays("FR", subdiv="6AE", years=year)),
    ):
        assert {day for day in year_days(year) if calendar.holiday(day)} == set(judge)


@pytest.mark.parametrize(
    ("year", "expected"),
    [
        (2015, 252), (2016, 253), (2017, 251), (2018, 252), (2019, 251), (2020, 253), (2021, 254), (2022, 253),
        (2023, 251), (2024, 252), (2025, 251), (2026, 252), (2027, 254), (2028, 251), (2029, 252), (2030, 251),
    ],
)  # fmt: skip
def test_number_of_working_days(year: int, expected: int) -> None:
    """The number of jours ouvrés of each year is the one worked out by hand."""
    assert sum(NATIONAL.is_working(day) for day in year_days(year)) == expected
    assert NATIONAL.days_between(date(year - 1, 12, 31), date(year, 12, 31)) == expected


@pytest.mark.parametrize(
    ("year", "friday", "monday", "ascension", "whit"),
    [
        (2016, (3, 25), (3, 28), (5, 5), (5, 16)),
        (2024, (3, 29), (4, 1), (5, 9), (5, 20)),
        (2025, (4, 18), (4, 21), (5, 29), (6, 9)),
        (2027, (3, 26), (3, 29), (5, 6), (5, 17)),
        (2030, (4, 19), (4, 22), (5, 30), (6, 10)),
    ],
)
def test_movable_feasts(
    year: int, friday: tuple[int, int], monday: tuple[int, int], ascension: tuple[int, int], whit: tuple[int, int]
) -> None:
    """The movable feasts fall on the days of the published calendars, and bear their French name."""
    assert LOCAL.holiday(date(year, *friday)) == "Vendredi saint"
    assert NATIONAL.holiday(date(year, *friday)) is None
    assert NATIONAL.holiday(date(year, *monday)) == "Lundi de Pâques"
    assert NATIONAL.holiday(date(year, *ascension)) == "Ascension"
    assert NATIONAL.holiday(date(year, *whit)) == "Lundi de Pentecôte"


@pytest.mark.parametrize("department", ["57", "67", "68"])
def test_alsace_moselle(department: str) -> None:
    """26 December is always off there; Good Friday unless the commune has no temple."""
    good_friday, boxing_day = date(2025, 4, 18), date(2025, 12, 26)
    for flag in (None, True):
        calendar = Calendar(Place(department, good_friday=flag))
        assert not calendar.is_working(good_friday)
        assert not calendar.is_working(boxing_day)
    calendar = Calendar(Place(department, good_friday=False))
    assert calendar.is_working(good_friday)
    assert not calendar.is_working(boxing_day)


@pytest.mark.parametrize("flag", [None, True, False])
def test_good_friday_elsewhere_is_a_working_day(*, flag: bool | None) -> None:
    """No other département has Good Friday off, whatever the flag says."""
    assert Calendar(Place("62", good_friday=flag)).is_working(date(2025, 4, 18))
    assert Calendar(Place("62", good_friday=flag)).is_working(date(2025, 12, 26))


def test_two_holidays_on_one_day() -> None:
    """When Ascension meets 1 May (2008) the day is counted once and has one name."""
    assert NATIONAL.holiday(date(2008, 5, 1)) == "Fête du Travail"


@given(days, counts, calendars)
def test_a_result_is_a_working_day(day: date, count: int, calendar: Calendar) -> None:
    """A deadline never falls on a weekend or a holiday, and 0 gives the start itself."""
    result = calendar.add(day, count)
    if count == 0:
        assert result == day
    else:
        assert result > day
        assert result.weekday() < 5
        assert calendar.holiday(result) is None
    assert calendar.days_between(day, result) == count
    assert calendar.days_between(result, day) == -count


@given(days, days, counts, counts, calendars)
def test_add_is_monotone(one: date, other: date, count: int, more: int, calendar: Calendar) -> None:
    """A later start or a longer delay never ends earlier."""
    first, last = sorted((one, other))
    assert calendar.add(first, count) <= calendar.add(last, count)
    assert calendar.add(one, count) <= calendar.add(one, count + more)


@given(days, counts)
def test_local_holidays_only_lengthen(day: date, count: int) -> None:
    """An Alsace-Moselle deadline is never earlier than the national one."""
    assert NATIONAL.add(day, count) <= WITHOUT_TEMPLE.add(day, count) <= LOCAL.add(day, count)


@pytest.mark.parametrize("department", ["01", "19", "21", "95", "2A", "2B", "971", "976"])
def test_departments_that_exist(department: str) -> None:
    """Metropolitan, Corsican and overseas codes are places."""
    assert not Calendar(Place(department)).is_working(date(2025, 7, 14))


@pytest.mark.parametrize("department", ["", "00", "20", "96", "99", "97", "970", "977", "2C", "2a", "1", "062", "6A"])
def test_departments_that_do_not(department: str) -> None:
    """Any other code is refused by name."""
    with pytest.raises(DeadlineError) as caught:
        Place(department)
    assert caught.value.rule.id == "PLACE-DEPARTMENT"


def test_overseas_is_said_uncertain() -> None:
    """Overseas counts national days only and says so."""
    warning = Place("974").warning
    assert warning is not None
    assert warning.severity == "warning"
    assert "incertain" in warning.text({"department": "974"})
    assert "local holidays are not covered" in warning.text({"department": "974"}, "en")
    assert Place("62").warning is None


@pytest.mark.parametrize("day", [datetime(2025, 3, 3, tzinfo=UTC), "2025-03-03", None, 20250303])
def test_what_is_no_date(day: object) -> None:
    """An instant, a text or a number is refused where a day is expected."""
    with pytest.raises(DeadlineError) as caught:
        NATIONAL.add(day, 1)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.rule.id == "DEADLINE-DATE"


@pytest.mark.parametrize("day", [date(1997, 12, 31), date(2200, 1, 1)])
def test_dates_outside_the_calendar(day: date) -> None:
    """A year that the calendar does not know is refused, by every question."""
    for ask in (
        lambda: NATIONAL.add(day, 0),
        lambda: NATIONAL.is_working(day),
        lambda: NATIONAL.days_between(day, date(2025, 1, 1)),
        lambda: NATIONAL.days_between(date(2025, 1, 1), day),
    ):
        with pytest.raises(DeadlineError) as caught:
            ask()
        assert caught.value.rule.id == "DEADLINE-RANGE"


def test_first_and_last_day_are_known() -> None:
    """The calendar covers 1 January 1998 to 31 December 2199, and refuses a count that leaves it."""
    assert NATIONAL.holiday(date(1998, 1, 1)) == "Jour de l'an"
    assert NATIONAL.is_working(date(2199, 12, 31))
    with pytest.raises(DeadlineError) as caught:
        NATIONAL.add(date(2199, 12, 31), 1)
    assert caught.value.rule.id == "DEADLINE-RANGE"


@pytest.mark.parametrize("count", [-1, 1001])
def test_counts_that_make_no_delay(count: int) -> None:
    """A negative or endless delay is refused."""
    with pytest.raises(DeadlineError) as caught:
        NATIONAL.add(date(2025, 3, 3), count)
    assert caught.value.rule.id == "DEADLINE-COUNT"


def test_longest_count() -> None:
    """A thousand working days can be counted, and counted back."""
    assert NATIONAL.days_between(date(2025, 3, 3), NATIONAL.add(date(2025, 3, 3), 1000)) == 1000


def test_overseas_says_what_it_does_not_cover() -> None:
    """PLACE-OVERSEAS: the local holidays of 971 to 976 are not in the table, and the place says so."""
    found = Place("974").warning
    assert found is not None
    assert found.id == "PLACE-OVERSEAS"
    assert "974" in found.text({"department": "974"})
    assert Place("62").warning is None
