"""The wait after a failure: doubled each time, spread by chance, never too long, never nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.backoff import Backoff

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [
        (1, 30, 60),
        (2, 60, 120),
        (3, 120, 240),
        (9, 7680, 15360),
        (10, 10800, 21600),  # 512 minutes would be 30720 seconds: the longest wait is 6 hours
        (1000, 10800, 21600),
    ],
)
def test_the_wait_doubles_up_to_six_hours(failures: int, least: int, most: int) -> None:
    """Worked by hand from one minute and six hours: half of the wait by the lowest chance, all of it by the highest."""
    backoff = Backoff()
    assert backoff.wait(failures, 0.0) == timedelta(seconds=least)
    assert backoff.wait(failures, 1.0) == timedelta(seconds=most)
    assert backoff.wait(failures, 0.5) == timedelta(seconds=(least + most) / 2)


@given(
    failures=st.integers(1, 10**6),
    draw=st.floats(0, 1),
    first=st.integers(1, 10**6),
    longest=st.integers(1, 10**7),
)
@example(failures=34, draw=1.0, first=21600, longest=10**7)
def test_never_outside_half_and_whole(failures: int, draw: float, first: int, longest: int) -> None:
    """However many failures: from half of the doubled wait to all of it, and never beyond the longest one."""
    doubled = first
    for _ in range(failures - 1):  # as one does it by hand, until it is too long
        if doubled >= longest:
            break
        doubled *= 2
    whole = min(doubled, longest)
    wait = Backoff(timedelta(seconds=first), timedelta(seconds=longest)).wait(failures, draw)
    assert wait.microseconds == 0
    assert max(1, (whole - 1) / 2) <= wait.total_seconds() <= max(1, whole)


def test_chance_spreads() -> None:
    """Two lots that failed together are not tried together again, unless chance gave them the same number."""
    waits = {Backoff(MINUTE, HOUR).wait(5, draw / 10) for draw in range(11)}
    assert len(waits) == 11


def test_there_is_always_a_wait() -> None:
    """Less than a second is a second: nobody is asked without a pause."""
    assert Backoff(timedelta(milliseconds=1), HOUR).wait(1, 0.0) == timedelta(seconds=1)
