"""Business time: handed in, whole seconds, UTC, never backwards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from gateway.clock import SimulatedClock, SystemClock

START = datetime(2025, 3, 4, 10, tzinfo=UTC)


def test_the_machines_clock_gives_whole_seconds_in_utc() -> None:
    """What is signed and stored has no fraction of a second and no local zone."""
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert (now.tzinfo, now.microsecond) == (UTC, 0)
    assert before - timedelta(seconds=1) < now <= datetime.now(UTC)


def test_a_simulated_clock_stands_still() -> None:
    """It says the same until it is told to move."""
    clock = SimulatedClock(START)
    assert clock.now() == clock.now() == START


def test_a_simulated_clock_moves_forward_only() -> None:
    """A move backwards is ignored; a move in another zone is the same instant, without its fraction."""
    clock = SimulatedClock(START)
    clock.move_to(START - timedelta(days=1))
    assert clock.now() == START
    clock.advance(timedelta(minutes=90))
    assert clock.now() == datetime(2025, 3, 4, 11, 30, tzinfo=UTC)
    clock.move_to(datetime(2025, 3, 4, 13, 0, 0, 999_999, timezone(timedelta(hours=1))))
    assert clock.now() == datetime(2025, 3, 4, 12, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
