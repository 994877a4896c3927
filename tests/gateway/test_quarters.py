"""The forms 709 of a quarter: one a patient, none lost, none twice, under a slip that counts and sums them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.quarters import forms_of_quarter, quarter_of, slip_of
from tests.gateway.bench import ARTOIS, Bench, visit

if TYPE_CHECKING:
    from pathlib import Path

SITE = "629990003"


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        ("2025-01-01", "2025-01-01", "2025-03-31"),
        ("2025-03-31", "2025-01-01", "2025-03-31"),
        ("2025-04-01", "2025-04-01", "2025-06-30"),
        ("2025-09-30", "2025-07-01", "2025-09-30"),
        ("2025-12-31", "2025-10-01", "2025-12-31"),
    ],
)
def test_quarters_by_hand(day: str, first: str, last: str) -> None:
    """Both ends of each quarter belong to it."""
    assert quarter_of(date.fromisoformat(day)) == (date.fromisoformat(first), date.fromisoformat(last))


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 12, 31)))
def test_every_day_is_in_one_quarter(day: date) -> None:
    """Protects from loss and doubles: a day is in its quarter, and the next quarter begins the day after its last."""
    first, last = quarter_of(day)
    assert first <= day <= last
    assert quarter_of(last + timedelta(days=1))[0] == last + timedelta(days=1)


def test_none_is_lost_and_none_goes_twice(tmp_path: Path) -> None:
    """ANON-07: five patients over three quarters; each quarter has its own, all of them together, each form once."""
    bench = Bench(tmp_path, datetime(2025, 1, 2, 12, tzinfo=UTC))
    days = ["2025-01-02", "2025-03-31", "2025-03-31", "2025-04-01", "2025-07-01"]
    item: dict[str, Any] = {"label": "Sérologie", "nature": "analyse", "quotation": "B 40", "cents": 1080}
    for rank, day in enumerate(days):
        bench.clock.move_to(datetime.fromisoformat(f"{day}T15:00:00+00:00"))
        acts = [{"code": "IST", "screening": item | {"cents": 1080 + rank}}]
        bench.submit(
            visit(f"R{rank}", at=f"{day}T14:00:00+00:00", patient={"kind": "anonymous", "minor": True}, acts=acts), None
        )
    with bench.journal.read() as tx:
        quarters = [forms_of_quarter(tx, date(2025, month, 15)) for month in (2, 5, 8, 11)]
        papers = tx.anonymous_papers()
    assert [len(forms) for forms in quarters] == [3, 1, 1, 0]
    assert len(papers) == 5
    assert sorted(form.total_cents or 0 for forms in quarters for form in forms) == [1080, 1081, 1082, 1083, 1084]
    slip = slip_of(quarters[0], bench.profile, SITE, date(2025, 4, 1))
    assert (slip.count, slip.total_cents, slip.organism) == (3, 1080 + 1081 + 1082, ARTOIS)
    assert (slip.first_day, slip.last_day) == (date(2025, 1, 1), date(2025, 3, 31))
    assert all(one.fictitious_number is None for forms in quarters for one in forms)  # the CPAM gives it (ANON-08)
    starts = [quarter_of(date(2025, month, 15))[0] for month in (2, 5, 8, 11)]
    assert all(one < other for one, other in pairwise(starts))
