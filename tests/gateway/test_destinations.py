"""Destinations: their hours by the clock of Paris, their working days, their cut-off, and how a profile writes them."""

from __future__ import annotations

import sys
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas
from fse.lifecycle import LifecycleError, Unit
from fse.working_days import Calendar, Place
from gateway.cli import app as command_line
from gateway.destinations import Destination, read_destinations
from gateway.errors import GatewayError
from gateway.profile import load_profile
from tests.gateway.bench import ARTOIS, OPALE

if TYPE_CHECKING:
    from pathlib import Path

HERE = Calendar(Place("62"))
OFFICE = Destination(organism=ARTOIS, opens=time(8, 30), closes=time(18), working_days=True)
PROFILE = "ille-et-vilaine-simule"


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        # winter, one hour ahead of UTC: 8.30 in Paris is 7.30
        ("2025-03-04T07:29:59", "2025-03-04T07:30"),
        ("2025-03-04T07:30:00", "2025-03-04T07:30"),
        ("2025-03-04T16:59:59", "2025-03-04T16:59:59"),
        ("2025-03-04T17:00:00", "2025-03-05T07:30"),
        # Friday evening before the last Sunday of March: two hours ahead from that Monday on
        ("2025-03-28T17:00:00", "2025-03-31T06:30"),
        # Friday evening before the last Sunday of October: one hour ahead again
        ("2025-10-24T16:00:00", "2025-10-27T07:30"),
        # Thursday 1 May 2025 is a holiday, Friday 2 May is a working day
        ("2025-04-30T16:00:00", "2025-05-02T06:30"),
        # Saturday 19 April 2025, Easter Monday on the 21st
        ("2025-04-19T10:00:00", "2025-04-22T06:30"),
        # 23.30 in UTC is the next day in Paris: from Thursday to Friday
        ("2025-03-06T23:30:00", "2025-03-07T07:30"),
    ],
)
def test_the_next_opening(now: str, opening: str) -> None:
    """Hours of a caisse: by Paris, over daylight saving, weekends and holidays; at the closing minute it is shut."""
    assert OFFICE.next_opening(_utc(now), HERE) == _utc(opening)


def test_the_holidays_are_those_of_the_place() -> None:
    """On 26 December Alsace rests and the Pas-de-Calais does not (2025: a Friday)."""
    evening = _utc("2025-12-25T12:00")
    assert OFFICE.next_opening(evening, HERE) == _utc("2025-12-26T07:30")
    assert OFFICE.next_opening(evening, Calendar(Place("68"))) == _utc("2025-12-29T07:30")


def test_without_hours_it_is_always_open() -> None:
    """A caisse that the profile says nothing about takes files at any time, on Christmas night too."""
    for now in ("2025-12-25T00:00", "2025-03-30T01:00", "2025-03-04T23:00"):
        assert Destination(organism=ARTOIS).next_opening(_utc(now), HERE) == _utc(now)


def test_an_evening_until_midnight() -> None:
    """Closing at midnight means the end of the day: 23.59 in Paris is still open, midnight waits for the evening."""
    evening = Destination(organism=ARTOIS, opens=time(20))
    assert evening.next_opening(_utc("2025-03-04T22:59:59"), HERE) == _utc("2025-03-04T22:59:59")
    assert evening.next_opening(_utc("2025-03-04T23:00:00"), HERE) == _utc("2025-03-05T19:00")


def test_an_hour_that_does_not_exist() -> None:
    """On 30 March 2025 the clock jumps from 2 to 3: 2.30 is 3.30 that day, and the day after 2.30 again."""
    early = Destination(organism=ARTOIS, opens=time(2, 30))
    assert early.next_opening(_utc("2025-03-30T00:00"), HERE) == _utc("2025-03-30T01:30")
    assert early.next_opening(_utc("2025-03-30T23:00"), HERE) == _utc("2025-03-31T00:30")


@given(
    now=st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(  # noqa: DTZ001 - made aware at once
        lambda at: at.replace(tzinfo=UTC, microsecond=0)
    ),
    hours=st.lists(st.times().map(lambda at: at.replace(microsecond=0)), min_size=2, max_size=2, unique=True),
    working_days=st.booleans(),
)
def test_an_opening_is_never_past_and_opens(now: datetime, hours: list[time], working_days: bool) -> None:  # noqa: FBT001 - hypothesis gives it by its name
    """At the opening it is open, nothing but a wait lies before it, and asking again then answers «now»."""
    opens, closes = sorted(hours)
    one = Destination(organism=ARTOIS, opens=opens, closes=closes, working_days=working_days)
    opening = one.next_opening(now, HERE)
    assert now <= opening <= now + timedelta(days=5)  # the longest rest: Friday evening to Tuesday, after Easter
    assert one.next_opening(opening, HERE) == opening
    assert opening == now or one.next_opening(opening - timedelta(seconds=1), HERE) == opening


def test_a_calendar_that_never_works_closes_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of holidays gone wrong must not keep a lot for ever: its limit would pass in silence."""
    monkeypatch.setattr(Calendar, "is_working", lambda _self, _day: False)
    now = _utc("2025-03-04T03:00")
    assert OFFICE.next_opening(now, HERE) == now


@pytest.mark.parametrize(
    ("after", "cut_off"),
    [
        ("2025-03-04T15:59:59", "2025-03-04T16:00"),
        ("2025-03-04T16:00:00", "2025-03-05T16:00"),
        ("2025-03-29T16:00:00", "2025-03-30T15:00"),  # summer time begins on Sunday 30 March
        ("2025-10-25T15:00:00", "2025-10-26T16:00"),  # and ends on Sunday 26 October
        ("2025-03-04T23:30:00", "2025-03-05T16:00"),
    ],
)
def test_the_next_cut_off(after: str, cut_off: str) -> None:
    """Five in the afternoon in Paris, whatever the season; the very moment itself is past."""
    assert Destination(organism=ARTOIS, cut_off=time(17)).next_cut_off(_utc(after)) == _utc(cut_off)


def test_the_hour_that_comes_twice_cuts_once() -> None:
    """On 26 October 2025 the clock shows 2.30 twice: the first one counts, the second is no second cut-off."""
    night = Destination(organism=ARTOIS, cut_off=time(2, 30))
    assert night.next_cut_off(_utc("2025-10-25T22:00")) == _utc("2025-10-26T00:30")
    assert night.next_cut_off(_utc("2025-10-26T00:30")) == _utc("2025-10-27T01:30")
    assert night.next_cut_off(_utc("2025-10-26T01:00")) == _utc("2025-10-27T01:30")


def test_without_cut_off_a_person_closes() -> None:
    """No cut-off, no instant."""
    assert Destination(organism=ARTOIS).next_cut_off(_utc("2025-03-04T10:00")) is None


# ------------------------------------------------------------------------------------------------------- in a profile


def test_a_destination_is_read_as_it_is_written() -> None:
    """Every key of an entry means something, and what is left out is the open destination."""
    assert Destination.read({"organism": ARTOIS}) == Destination(organism=ARTOIS)
    entry = {
        "organism": OPALE,
        "opens": "08:30",
        "closes": "18:00",
        "working_days": True,
        "cut_off": "17:05",
        "max_sheets": 1,
        "one_at_a_time": True,
    }
    found = Destination.read(entry)
    assert (found.opens, found.closes, found.cut_off) == (time(8, 30), time(18), time(17, 5))
    assert (found.organism, found.working_days, found.max_sheets, found.one_at_a_time) == (OPALE, True, 1, True)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"opens": "8h30"}, "opens"),
    ({"opens": "08:30+02:00"}, "opens"),
    ({"opens": 830}, "opens"),
    ({"closes": time(18)}, "closes"),
    ({"cut_off": "24:00"}, "cut_off"),
    ({"opens": "18:00", "closes": "08:00"}, "closes"),
    ({"opens": "08:00", "closes": "08:00"}, "closes"),
    ({"max_sheets": 0}, "max_sheets"),
    ({"max_sheets": 991}, "max_sheets"),
    ({"max_sheets": "many"}, "max_sheets"),
    ({"max_sheets": 2.5}, "max_sheets"),
    ({"max_sheets": True}, "max_sheets"),
    ({"working_days": "no"}, "working_days"),
    ({"one_at_a_time": 1}, "one_at_a_time"),
    ({"hours": "08:00"}, "hours"),
    ({"organism": "0199"}, "organisme"),
    ({"organism": 19990000}, "organisme"),
]


@pytest.mark.parametrize(("change", "named"), WRONG, ids=[str(change) for change, _ in WRONG])
def test_a_wrong_destination_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    """PROFILE-DESTINATION names caisse and value: a window that never opens, or a word for a number, starves a lot."""
    entry = {"organism": ARTOIS} | change
    with pytest.raises(GatewayError) as refusal:
        Destination.read(entry)
    assert refusal.value.rule.id == "PROFILE-DESTINATION"
    assert refusal.value.facts["organism"] == str(entry["organism"])
    assert named in refusal.value.message("fr")
    assert named in refusal.value.message("en")


def test_a_destination_without_its_caisse_is_refused() -> None:
    """Hours of nobody are a mistake of the profile."""
    with pytest.raises(GatewayError) as refusal:
        Destination.read({"opens": "08:00"})
    assert (refusal.value.rule.id, refusal.value.facts["organism"]) == ("PROFILE-DESTINATION", "?")


def test_a_caisse_named_twice_is_refused() -> None:
    """Two entries for one caisse: nobody could tell which one holds."""
    with pytest.raises(GatewayError) as refusal:
        read_destinations([{"organism": ARTOIS}, {"organism": OPALE}, {"organism": ARTOIS, "max_sheets": 2}])
    assert (refusal.value.rule.id, refusal.value.facts["organism"]) == ("PROFILE-DESTINATION", ARTOIS)


def test_the_profile_of_the_example() -> None:
    """The hours in the profile of the Ille-et-Vilaine arrive; a caisse without an entry is open and unlimited."""
    profile = load_profile(PROFILE)
    found = profile.destination(ARTOIS)
    assert (found.opens, found.closes, found.cut_off) == (time(7, 30), time(19), time(17, 45))
    assert (found.working_days, found.max_sheets, found.one_at_a_time) == (True, 500, True)
    assert profile.destination(OPALE) == Destination(organism=OPALE)
    assert load_profile().destinations == {}


def _with(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Have the profiles of the package say something else."""
    read = schemas.read_toml

    def changed(name: str) -> dict[str, Any]:
        found = deepcopy(read(name))
        if name.startswith("profiles/"):
            found["service"] |= changes
        return found

    monkeypatch.setattr("schemas.read_toml", changed)


def test_an_unknown_unit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """PROFILE-WINDOW: the eight days are working days or calendar days, nothing else."""
    _with(monkeypatch, first_window="ouvrables")
    with pytest.raises(GatewayError) as refusal:
        load_profile()
    assert refusal.value.rule.id == "PROFILE-WINDOW"


def test_the_first_window_may_count_plain_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol prints «8 jours»: of an act of Tuesday 4 March, 12 March in plain days, 14 March in jours ouvrés."""
    act = date(2025, 3, 4)
    usual = load_profile().policy
    assert (usual.unit, usual.max_emissions, usual.first_emission_limit(act)) == (
        Unit.WORKING,
        None,
        date(2025, 3, 14),
    )
    _with(monkeypatch, first_window="calendar", max_emissions=2)
    plain = load_profile().policy
    assert (plain.unit, plain.max_emissions, plain.first_emission_limit(act)) == (Unit.CALENDAR, 2, date(2025, 3, 12))


def test_a_single_emission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol (art. 6) wants a second emission before a duplicata."""
    _with(monkeypatch, max_emissions=1)
    with pytest.raises(LifecycleError) as refusal:
        load_profile()
    assert refusal.value.rule.id == "LIFE-EMISSIONS"


def test_a_command_that_reads_a_wrong_profile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    """One clear message and exit code 2, no trace of the program: as for any other wrong input."""
    _with(monkeypatch, destinations=[{"organism": ARTOIS, "opens": "8h30"}])
    example: Path = request.config.rootpath / "examples" / "encounter.json"
    monkeypatch.setattr(sys, "argv", ["fse", "route", str(example), "--profile", PROFILE])
    with pytest.raises(SystemExit) as end:
        command_line.run()
    told = capsys.readouterr().err
    assert end.value.code == 2
    assert "[PROFILE-DESTINATION]" in told
    assert ARTOIS in told
    assert "opens = '8h30'" in told
    assert "Traceback" not in told
