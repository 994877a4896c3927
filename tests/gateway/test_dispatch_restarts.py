"""Dispatch interrupted and mailboxes out of reach: what broke off is finished, what waits is collected later."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from gateway.transport import TransportError
from tests.gateway.bench import visit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.routing_label import FileLabel
    from tests.gateway.bench import Bench

BOTH_DATABASES = True


def _march(day: int, hour: int = 7, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """Return a bench with one sheet of 4 March in a signed lot."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    return bench


def test_a_restart_while_a_file_was_leaving(ready: Bench) -> None:
    """
    The program ends between the word and the answer: bytes may have left.

    After the restart the same attempt is finished, under the same key, so that the concentrator takes it once: one
    emission, nothing late.
    """

    class PowerCutError(Exception):
        pass

    def cut(_label: FileLabel, _envelope: bytes) -> None:
        raise PowerCutError

    ready.wire.while_sending = cut
    with dying_hands(), pytest.raises(PowerCutError):
        ready.gateway.dispatch.run()
    ready.wire.while_sending = None
    assert ready.lot().record.state == "emission_started"
    ready.reopen()
    ready.gateway.dispatch.run()
    assert (ready.lot().record.state, ready.lot().record.emissions) == ("sent", 1)
    assert ready.wire.sent[0] == ready.wire.sent[1]
    assert ready.wire.attempts[0] == ready.wire.attempts[1]
    assert ready.events(lot=1).count("emission_resumed") == 1


@contextmanager
def dying_hands() -> Iterator[None]:
    """Have a worker that dies keep what it holds, as a killed process does."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gateway.journal.claims.Claims.let_go", lambda *_: None)
        yield


def test_a_mailbox_that_cannot_be_read_stops_nothing(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """No messages today: what is due is sent all the same."""

    def down(_biller: str) -> list[str]:
        raise TransportError("TRANSPORT", address="http://oct.test", reason="HTTP 500")

    monkeypatch.setattr(ready.wire, "messages", down)
    ready.gateway.dispatch.run()
    assert ready.state() == "sent"


def test_a_message_that_cannot_be_fetched_waits(ready: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message does not come: the next one is recorded, the first is collected another time."""
    ready.gateway.dispatch.run()
    ready.wire.put(b"cannot be fetched")
    ready.wire.put(ready.arl())
    fetch = ready.wire.fetch

    def one_fails(biller: str, message: str) -> bytes:
        if message == "0000":
            raise TransportError("TRANSPORT", address=message, reason="HTTP 500")
        return fetch(biller, message)

    with monkeypatch.context() as patched:
        patched.setattr(ready.wire, "fetch", one_fails)
        assert ready.gateway.dispatch.collect() == 1
    assert (ready.state(), sorted(ready.wire.mailbox)) == ("acknowledged", ["0000"])
    assert ready.gateway.dispatch.collect() == 1
    assert ready.rows("SELECT rule FROM quarantine") == [("ENVELOPE",)]


def test_a_message_that_cannot_be_removed_is_recorded_twice_without_harm(
    ready: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded first, removed second: when the removal fails it comes again, and changes nothing."""
    ready.gateway.dispatch.run()
    ready.wire.put(ready.arl())

    def stuck(_biller: str, message: str) -> None:
        raise TransportError("TRANSPORT", address=message, reason="HTTP 500")

    with monkeypatch.context() as patched:
        patched.setattr(ready.wire, "remove", stuck)
        assert ready.gateway.dispatch.collect() == 0
    assert ready.gateway.dispatch.collect() == 1
    assert (ready.state(), ready.lot().record.state) == ("acknowledged", "positive")
    assert ready.wire.mailbox == {}


def test_a_paper_that_stays_too_long_gives_the_alert(bench: Bench) -> None:
    """The twin of a degraded sheet has 8 plain days: from 13 March on somebody is told, once."""
    bench.submit(visit(vitale="absent"), None)
    bench.clock.move_to(_march(12, 22, 59))
    bench.gateway.dispatch.apply_time()
    assert bench.rows("SELECT count(*) FROM events WHERE name = 'alert'") == [(0,)]
    bench.clock.move_to(_march(12, 23))
    bench.gateway.dispatch.apply_time()
    bench.gateway.dispatch.apply_time()
    assert bench.rows("SELECT paper FROM events WHERE name = 'alert'") == [(1,)]


def test_sheets_of_a_lot_with_two_deadlines(bench: Bench) -> None:
    """
    A lot ends with its most urgent sheet; the other one goes on.

    Acts of 28 February (until 12 March) and of 4 March (until 14 March) in one lot that never leaves.
    """
    bench.submit(visit("OLD", acts=[{"code": "COD", "on": "2025-02-28"}]))
    bench.submit(visit("NEW"))
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    bench.clock.move_to(_march(12, 23))
    bench.gateway.dispatch.run()
    assert (bench.state(1), bench.state(2), bench.lot().record.state) == ("duplicata_due", "queued", "abandoned")
    assert bench.gateway.send_all(bench.period()) == (2,)
    assert bench.state(2) == "sent"


def test_the_next_instant_is_the_next_limit(ready: Bench) -> None:
    """A simulated clock may jump: before the emission to the end of the window, after it to the end of the wait."""
    assert ready.gateway.dispatch.next_due() == datetime(2025, 3, 14, 23, tzinfo=UTC)
    ready.gateway.dispatch.run()
    assert ready.gateway.dispatch.next_due() == datetime(2025, 3, 6, 23, tzinfo=UTC)


def test_an_empty_journal_waits_for_nothing(bench: Bench) -> None:
    """Nothing submitted: nothing due, nothing sent."""
    bench.gateway.dispatch.run()
    assert bench.gateway.dispatch.next_due() is None
    assert bench.rows("SELECT * FROM events") == []
