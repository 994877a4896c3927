"""The time limits of the three profiles, against days counted by hand on a calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from fse.lifecycle import Policy, PolicyError, PolicyName, Unit, policy_named
from fse.lifecycle.policy import is_over, over_at
from fse.working_days import Calendar, Place

ARRAS = Calendar(Place("62"))

# start of the window, its last day (8 j.o.), wait when emitted on the first day, 2 j.o. after that wait
WORKED = [
    ("2024-03-28", "2024-04-10", "2024-04-02", "2024-04-04"),
    ("2024-04-26", "2024-05-13", "2024-04-30", "2024-05-03"),
    ("2025-03-03", "2025-03-13", "2025-03-05", "2025-03-07"),
    ("2025-04-16", "2025-04-29", "2025-04-18", "2025-04-23"),
    ("2025-04-30", "2025-05-14", "2025-05-05", "2025-05-07"),
    ("2025-05-28", "2025-06-11", "2025-06-02", "2025-06-04"),
    ("2025-12-22", "2026-01-05", "2025-12-24", "2025-12-29"),
    ("2026-04-01", "2026-04-14", "2026-04-03", "2026-04-08"),
    ("2026-05-12", "2026-05-26", "2026-05-15", "2026-05-19"),
    ("2026-12-23", "2027-01-06", "2026-12-28", "2026-12-30"),
]

# emitted on the last day of the window: start, window end, wait, 2 j.o. after it
AT_THE_END = [
    ("2025-03-03", "2025-03-13", "2025-03-17", "2025-03-19"),
    ("2024-04-26", "2024-05-13", "2024-05-15", "2024-05-17"),
    ("2025-04-16", "2025-04-29", "2025-05-02", "2025-05-06"),
]


def day(text: str) -> date:
    """Read a day of the tables above."""
    return date.fromisoformat(text)


def noon(text: str) -> datetime:
    """Return eleven o'clock UTC of a day, the middle of the day in Paris whatever the season."""
    return datetime.fromisoformat(f"{text}T11:00:00+00:00")


@pytest.mark.parametrize(("start", "window", "wait", "after"), WORKED)
def test_limits_when_emitted_on_the_first_day(start: str, window: str, wait: str, after: str) -> None:
    """Protects the worked table of deadlines, its Ack and re-emission columns under each profile."""
    regulation, same_window, text_of_1998 = (Policy(calendar=ARRAS, name=name) for name in PolicyName)
    assert regulation.first_emission_limit(day(start)) == day(window)
    assert regulation.acknowledgement_limit(noon(start)) == day(wait)
    assert regulation.reemission_limit(day(start), day(wait)) == day(window)
    assert same_window.reemission_limit(day(start), day(wait)) == day(window)
    assert text_of_1998.reemission_limit(day(start), day(wait)) == day(after)


@pytest.mark.parametrize(("start", "window", "wait", "after"), AT_THE_END)
def test_limits_when_emitted_on_the_last_day(start: str, window: str, wait: str, after: str) -> None:
    """Protects the case that tells the three profiles apart: the failure is known after the window's end."""
    regulation, same_window, text_of_1998 = (Policy(calendar=ARRAS, name=name) for name in PolicyName)
    assert regulation.acknowledgement_limit(noon(window)) == day(wait)
    assert regulation.reemission_limit(day(start), day(wait)) == day(after)
    assert same_window.reemission_limit(day(start), day(wait)) == day(window)
    assert text_of_1998.reemission_limit(day(start), day(wait)) == day(after)


def test_calendar_days_change_the_first_window_alone() -> None:
    """Protects the reading «8 jours» of the protocol: plain days for the window, jours ouvrés for the rest."""
    policy = Policy(calendar=ARRAS, unit=Unit.CALENDAR)
    assert policy.first_emission_limit(date(2024, 4, 26)) == date(2024, 5, 4)
    assert policy.acknowledgement_limit(noon("2024-04-26")) == date(2024, 4, 30)
    assert policy.reemission_limit(date(2024, 4, 26), date(2024, 5, 2)) == date(2024, 5, 6)


def test_paper_has_eight_plain_days() -> None:
    """Protects the limit of paper under tiers payant, which the text counts in plain days."""
    assert Policy(calendar=ARRAS).paper_limit(date(2024, 4, 26)) == date(2024, 5, 4)


def test_a_day_ends_at_midnight_in_paris() -> None:
    """Protects the boundary in winter and in summer time: the last second is on time, midnight is not."""
    assert over_at(date(2025, 3, 13)) == datetime(2025, 3, 13, 23, tzinfo=UTC)
    assert over_at(date(2024, 5, 13)) == datetime(2024, 5, 13, 22, tzinfo=UTC)
    assert not is_over(date(2024, 5, 13), datetime(2024, 5, 13, 21, 59, 59, 999_999, tzinfo=UTC))
    assert is_over(date(2024, 5, 13), datetime(2024, 5, 13, 22, tzinfo=UTC))


def test_emission_late_at_night_counts_from_the_day_in_paris() -> None:
    """Protects the wait of an emission at 00:30 in Paris, still the day before in UTC."""
    policy = Policy(calendar=ARRAS)
    assert policy.acknowledgement_limit(datetime(2025, 7, 7, 22, 30, tzinfo=UTC)) == date(2025, 7, 10)


def test_profiles_carry_their_source_and_certainty() -> None:
    """Protects the mark of the uncertain profile: nobody may take the text of 1998 for law in force."""
    assert PolicyName.R161_47_1998.certainty == "U"
    assert PolicyName.REGULATION.certainty == "C"
    assert "1998" in PolicyName.R161_47_1998.words.source


def test_a_policy_is_chosen_by_name() -> None:
    """Protects the choice of a profile by its word, and the message when there is none."""
    assert policy_named("same_window", ARRAS) == Policy(calendar=ARRAS, name=PolicyName.SAME_WINDOW)
    with pytest.raises(PolicyError, match="LIFE-POLICY") as caught:
        policy_named("never", ARRAS)
    assert "regulation, same_window, r161_47_1998" in caught.value.message("en")


def test_at_least_one_reemission_is_possible() -> None:
    """Protects the second attempt that the protocol wants before any duplicata."""
    assert Policy(calendar=ARRAS, max_emissions=2).max_emissions == 2
    with pytest.raises(PolicyError, match="LIFE-EMISSIONS"):
        Policy(calendar=ARRAS, max_emissions=1)
