"""The calendar of obligations: every date worked by hand from the text that its entry names."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fse.lifecycle import Policy
from fse.obligations import (
    Due,
    Events,
    ObligationError,
    Service,
    Term,
    When,
    due_of_events,
    falling_due,
    obligations,
)
from fse.tables import package_tables
from fse.working_days import Calendar, DeadlineError, Place

CONVENTION = Term(start=date(2023, 5, 15), months=36, notice_months=3)


def service(
    department: str = "62",
    *,
    changes: tuple[date, ...] = (),
    convention: Term | None = CONVENTION,
    caisses: tuple[str, ...] = ("Artois", "Opale"),
) -> Service:
    """Return a service of ``department``; its cahiers des charges are those of the package: 1.40, then 1.50."""
    return Service(
        policy=Policy(calendar=Calendar(Place(department))),
        caisses=caisses,
        specifications=package_tables().specifications,
        market_changes=changes,
        convention=convention,
    )


def year(number: int, of: Service | None = None) -> tuple[Due, ...]:
    """Return the calendar of a whole year."""
    return falling_due(date(number, 1, 1), date(number, 12, 31), of or service())


def days(found: tuple[Due, ...], name: str) -> list[date]:
    """Return the days of the obligation ``name``."""
    return [due.day for due in found if due.obligation.id == name]


# The year 2025 in the Pas-de-Calais: day, last jour ouvré to act, which, about. 1 January 2025 is a Wednesday; 29 May
# is the Ascension, a Thursday; 31 May is a Saturday, 31 August and 30 November are Sundays.
MONTHS = [
    ("2025-01-31", "2025-01-31"),
    ("2025-02-28", "2025-02-28"),
    ("2025-03-31", "2025-03-31"),
    ("2025-04-30", "2025-04-30"),
    ("2025-05-31", "2025-05-30"),
    ("2025-06-30", "2025-06-30"),
    ("2025-07-31", "2025-07-31"),
    ("2025-08-31", "2025-08-29"),
    ("2025-09-30", "2025-09-30"),
    ("2025-10-31", "2025-10-31"),
    ("2025-11-30", "2025-11-28"),
    ("2025-12-31", "2025-12-31"),
]
YEAR_2025 = {
    ("2025-01-02", "2025-01-02", "market-copy", "2025"),
    ("2025-12-30", "2025-12-30", "mrtc", "2025"),
    ("2025-12-31", "2025-12-31", "bilan", "2025"),
    ("2025-03-31", "2025-03-31", "quarterly-709", "2025 T1"),
    ("2025-06-30", "2025-06-30", "quarterly-709", "2025 T2"),
    ("2025-09-30", "2025-09-30", "quarterly-709", "2025 T3"),
    ("2025-12-31", "2025-12-31", "quarterly-709", "2025 T4"),
    *((day, act_by, "monthly-paper", caisse) for day, act_by in MONTHS for caisse in ("Artois", "Opale")),
}


def test_a_whole_year_worked_by_hand() -> None:
    """PROT-49: one question gives the whole year, nothing twice, nothing else, in the order of the days."""
    found = year(2025)
    told = [(str(due.day), str(due.act_by), due.obligation.id, due.about) for due in found]
    assert set(told) == YEAR_2025
    assert len(told) == len(YEAR_2025) == 31
    assert [due.day for due in found] == sorted(due.day for due in found)


def test_every_entry_of_the_requirement_stands() -> None:
    """PROT-49 names them: each is in the data, with source and certainty, in both languages."""
    wanted = {
        "transmission", "paper-half", "reemission", "payment", "monthly-paper", "quarterly-709", "market-copy",
        "market-change", "mrtc", "bilan", "specification", "convention-term", "convention-notice",
    }  # fmt: skip
    assert set(obligations()) == wanted
    for one in obligations().values():
        assert one.certainty in {"A", "B", "U"}
        assert one.source
        assert one.text("fr") != one.text("en")
    of_a_sheet = {one.id for one in obligations().values() if one.when.of_a_sheet}
    assert of_a_sheet == {"transmission", "paper-half", "reemission", "payment"}
    assert {one.when for one in obligations().values()} == set(When)


def test_only_what_says_so_moves_to_the_next_working_day() -> None:
    """1 January moves to 2 January (2025) and, over a week-end, to Monday 3 (2022); a month's end on a Sunday stays."""
    assert days(year(2025), "market-copy") == [date(2025, 1, 2)]
    assert days(year(2022), "market-copy") == [date(2022, 1, 3)]
    assert date(2025, 8, 31) in days(year(2025), "monthly-paper")


def test_the_place_decides_what_is_a_day_off() -> None:
    """A market that changes on Friday 26 December 2025: that day in Arras, Monday 29 in Mulhouse, where it is off."""
    changes = (date(2025, 12, 26), date(2025, 1, 1))  # the second goes with the copy of 1 January
    assert days(year(2025, service("62", changes=changes)), "market-change") == [date(2025, 12, 26)]
    assert days(year(2025, service("68", changes=changes)), "market-change") == [date(2025, 12, 29)]


def test_what_moves_into_the_period_is_in_it() -> None:
    """A change on Saturday 1 March 2025 is due on Monday 3: asked from the Sunday on it is told, up to Sunday not."""
    one = service(changes=(date(2025, 3, 1),))
    assert days(falling_due(date(2025, 3, 2), date(2025, 3, 3), one), "market-change") == [date(2025, 3, 3)]
    assert days(falling_due(date(2025, 3, 1), date(2025, 3, 2), one), "market-change") == []


def test_mrtc_ends_with_30_december() -> None:
    """A26, scenario S10.5: 30 December 23:59 in Paris is on time, 31 December 00:01 is late."""
    (mrtc,) = [due for due in year(2025) if due.obligation.id == "mrtc"]
    assert datetime(2025, 12, 30, 22, 59, tzinfo=UTC) <= mrtc.until  # 23:59 in Paris, winter time
    assert datetime(2025, 12, 30, 23, 1, tzinfo=UTC) > mrtc.until  # 00:01


def test_eighteen_months_for_a_cahier_des_charges() -> None:
    """A44: 1.40 of 15 January 2015 until 15 July 2016 included, 1.50 of 1 July 2026 until 1 January 2028 included."""
    found = [*year(2016), *year(2028)]
    told = [(due.day, due.act_by, due.about) for due in found if due.obligation.id == "specification"]
    assert told == [
        (date(2016, 7, 15), date(2016, 7, 15), "1.40"),
        (date(2028, 1, 1), date(2027, 12, 31), "1.50"),  # a Saturday and a holiday: the Friday before
    ]


def test_three_years_then_three_months() -> None:
    """Art. 19, 20: signed 15 May 2023; terms 15 May 2026 and 2029; notices until 15 February, a Sunday in 2026."""
    found = falling_due(date(2023, 5, 15), date(2029, 12, 31), service())
    assert days(found, "convention-term") == [date(2026, 5, 15), date(2029, 5, 15)]
    notices = [(due.day, due.act_by, due.about) for due in found if due.obligation.id == "convention-notice"]
    assert notices == [
        (date(2026, 2, 15), date(2026, 2, 13), "2026-05-15"),
        (date(2029, 2, 15), date(2029, 2, 15), "2029-05-15"),
    ]


def test_a_notice_falls_due_before_its_term() -> None:
    """In a year whose end lies between the two, the notice is told though the term is not reached yet."""
    one = service(convention=Term(start=date(2023, 2, 1), months=36, notice_months=3))
    assert days(year(2025, one), "convention-notice") == [date(2025, 11, 1)]
    assert days(year(2025, one), "convention-term") == []


def test_a_convention_that_was_given_up_has_no_further_term() -> None:
    """Given up for 15 May 2026: nothing more is due under it; without any convention nothing is."""
    ended = service(convention=Term(start=date(2023, 5, 15), months=36, notice_months=3, ends=date(2026, 5, 15)))
    period = date(2026, 1, 1), date(2030, 1, 1)
    assert days(falling_due(*period, ended), "convention-term") == [date(2026, 5, 15)]
    assert days(falling_due(*period, service(convention=None)), "convention-term") == []


def test_the_delays_of_one_sheet() -> None:
    """S1: act Monday 3 March 2025: 8 jours ouvrés Thursday 13, 8 days Tuesday 11; ARL 4 March, paid 4 April."""
    events = Events(act=date(2025, 3, 3), acknowledgement=date(2025, 3, 4))
    told = [(due.obligation.id, due.day, due.about) for due in due_of_events(events, service())]
    assert told == [
        ("paper-half", date(2025, 3, 11), "2025-03-03"),
        ("transmission", date(2025, 3, 13), "2025-03-03"),
        ("payment", date(2025, 4, 4), "2025-03-04"),
    ]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(date(2024, 4, 26), date(2024, 5, 13)), (date(2024, 5, 10), date(2024, 5, 14))],
)
def test_a_reemission_has_the_later_of_both(failure: date, expected: date) -> None:
    """S4: act Friday 26 April 2024, window until 13 May (1, 8, 9 May off); a failure known on 10 May: 14 May."""
    found = due_of_events(Events(act=date(2024, 4, 26), failure=failure), service())
    assert days(found, "reemission") == [expected]
    assert days(found, "transmission") == [date(2024, 5, 13)]


def test_a_month_without_the_same_day_ends_on_its_last() -> None:
    """An acknowledgement of 31 January 2025 is to be paid by 28 February; alone it tells nothing else."""
    found = due_of_events(Events(acknowledgement=date(2025, 1, 31)), service())
    assert [(due.obligation.id, due.day) for due in found] == [("payment", date(2025, 2, 28))]
    assert due_of_events(Events(failure=date(2025, 1, 31)), service()) == ()


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2025, 3, 2), date(2025, 3, 1)), (date(2025, 1, 1), date(2036, 1, 1))],
)
def test_a_period_is_a_period(first: date, last: date) -> None:
    """Backwards, or longer than ten years: refused, never an empty or an endless answer."""
    with pytest.raises(ObligationError, match="OBLIGATION-PERIOD"):
        falling_due(first, last, service())


def test_one_day_is_a_period_and_days_have_a_range() -> None:
    """Both ends are included; a year that no working day is known of is refused."""
    found = falling_due(date(2025, 12, 30), date(2025, 12, 30), service())
    assert [due.obligation.id for due in found] == ["mrtc"]
    with pytest.raises(DeadlineError):
        falling_due(date(1997, 1, 1), date(1997, 12, 31), service())
