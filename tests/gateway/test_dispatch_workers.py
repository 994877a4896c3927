"""Several workers over one journal: no lot leaves twice at once, none is left behind by a worker that is gone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from fse.lot import open_lot
from gateway.backoff import Backoff
from gateway.destinations import Destination
from gateway.journal import Journal, tables
from gateway.service import Gateway, Surroundings
from gateway.transport import Sending
from tests.gateway.bench import ARTOIS, OPALE, Wire, opened, patient, visit
from tests.gateway.test_leases_and_claims import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.routing_label import FileLabel
    from tests.gateway.bench import Bench

BOTH_DATABASES = True

FAILED = (Sending.NOT_TAKEN, "HTTP 503")
UNKNOWN = (Sending.UNKNOWN, "ReadTimeoutError")
LEASE = 60.0


class PowerCutError(Exception):
    """The end of a process, as far as one can have it inside another one."""


class Worker:
    """Another process over the journal of a bench: its own connections, transport, name and clock of its machine."""

    def __init__(self, bench: Bench, name: str) -> None:
        self.wire, self.watch = Wire(), Watch()
        self.wire.mailbox = bench.wire.mailbox
        self.journal = Journal(bench.where, bench.clock)
        around = Surroundings(
            profile=bench.profile,
            clock=bench.clock,
            transport=self.wire,
            trust=bench.trust,
            biller=bench.biller,
            caisses=bench.caisses,
            opposed_cards=bench.opposed,
            random_key=lambda: next(bench.random_keys),
            backoff=Backoff(),
            chance=lambda: 1.0,
            worker=name,
            lease_seconds=LEASE,
            alone=False,
        )
        self.gateway = Gateway(self.journal, around)
        self.gateway.dispatch.leases.monotonic = self.watch

    def send(self) -> int:
        """Send what may leave."""
        return self.gateway.dispatch.send()


@pytest.fixture
def ready(bench: Bench) -> Bench:
    """Return a bench with one signed lot of 4 March."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    return bench


@pytest.fixture
def start(bench: Bench) -> Iterator[Callable[[str], Worker]]:
    """Yield what starts another worker over the bench's journal."""
    running: list[Worker] = []

    def begin(name: str) -> Worker:
        running.append(Worker(bench, name))
        return running[-1]

    yield begin
    for one in running:
        one.journal.close()


def _die_while_sending(bench: Bench, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have ``worker`` end with a file on its way: it lets go of nothing, and its hold stays in the table."""

    def cut(_label: FileLabel, _envelope: bytes) -> None:
        raise PowerCutError

    worker.wire.while_sending = cut
    with monkeypatch.context() as patched:
        patched.setattr("gateway.journal.claims.Claims.let_go", lambda *_: None)
        with pytest.raises(PowerCutError):
            worker.send()
    assert bench.rows("SELECT state, worker, beat FROM lots") == [("emission_started", "dies", 1)]


def _hands(bench: Bench) -> list[tuple[object, ...]]:
    return bench.rows("SELECT worker FROM lots WHERE worker IS NOT NULL")


def test_while_one_sends_the_other_does_not(ready: Bench, start: Callable[[str], Worker]) -> None:
    """The file is on its way: the other worker finds nothing to do, however often it looks within the lease."""
    one, other = start("one"), start("other")
    tried: list[int] = []

    def meanwhile(_label: FileLabel, _envelope: bytes) -> None:
        assert _hands(ready) == [("one",)]
        tried.append(other.send())
        other.watch.at += LEASE - 0.1
        tried.append(other.send())

    one.wire.while_sending = meanwhile
    assert one.send() == 1
    assert tried == [0, 0]
    assert (one.wire.attempts, other.wire.attempts, _hands(ready)) == ([(1, 1)], [], [])
    assert ready.lot().record.state == "sent"


def test_two_workers_share_the_lots(bench: Bench, start: Callable[[str], Worker]) -> None:
    """While one is busy with the first caisse the other sends to the second: each lot leaves once."""
    bench.submit(visit("A"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    one, other = start("one"), start("other")
    one.wire.while_sending = lambda *_: assert_one(other.send()) if not other.wire.sent else None

    def assert_one(count: int) -> None:
        assert count == 1

    one.send()
    assert (one.wire.attempts, other.wire.attempts) == ([(1, 1)], [(2, 1)])
    assert bench.rows("SELECT state FROM lots") == [("sent",), ("sent",)]


def test_what_a_dead_worker_left_is_finished_as_the_same_attempt(
    ready: Bench, start: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not before the lease is over; then the same bytes under the same rank, one emission, and the journal says so."""
    dead, heir = start("dies"), start("heir")
    _die_while_sending(ready, dead, monkeypatch)
    assert heir.send() == 0
    heir.watch.at += LEASE - 0.1
    assert heir.send() == 0
    heir.watch.at += 0.1
    assert heir.send() == 1
    assert heir.wire.attempts == dead.wire.attempts == [(1, 1)]
    assert heir.wire.sent == dead.wire.sent
    record = ready.lot().record
    assert (record.state, record.attempts, record.emissions) == ("sent", 1, 1)
    assert ready.events(lot=1)[-3:] == ["start_emission", "emission_resumed", "emit"]
    assert _hands(ready) == []


def test_a_worker_that_died_before_the_word_left_a_lot_like_any_other(
    ready: Bench, start: Callable[[str], Worker]
) -> None:
    """Its hold on a lot that had not started to leave lapses too: the first attempt is the heir's."""
    heir = start("heir")
    with ready.journal.claims() as claims:
        assert claims.take("dies", int(ready.clock.now().timestamp()), ready=("signed",), interrupted=()) == 1
    assert heir.send() == 0
    heir.watch.at += LEASE
    assert heir.send() == 1
    assert (heir.wire.attempts, "emission_resumed" in ready.events(lot=1)) == ([(1, 1)], False)


@pytest.mark.parametrize("answer", [FAILED, UNKNOWN, (Sending.REFUSED, "HTTP 409")])
def test_an_heir_that_fails_goes_on_with_the_same_attempt(
    ready: Bench, start: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch, answer: tuple[Sending, str]
) -> None:
    """
    The first try may have left, so nothing that the second is answered says «not emitted» or «refused».

    It is tried again after 60, then 120 seconds (the highest chance), as the same attempt, by whoever comes.
    """
    dead, heir, third = start("dies"), start("heir"), start("third")
    _die_while_sending(ready, dead, monkeypatch)
    heir.send()
    heir.watch.at += LEASE
    heir.wire.results = [answer, answer]
    begin = ready.clock.now()
    assert heir.send() == 1
    assert (ready.lot().record.state, ready.lot().hold) == ("emission_started", "")
    for wait in (60, 120):
        assert third.send() == heir.send() == 0
        assert ready.gateway.dispatch.next_due() == begin + timedelta(seconds=wait)
        begin += timedelta(seconds=wait)
        ready.clock.move_to(begin)
        if wait == 60:
            assert heir.send() == 1
    assert third.send() == 1
    assert (heir.wire.attempts, third.wire.attempts) == ([(1, 1), (1, 1)], [(1, 1)])
    record = ready.lot().record
    assert (record.state, record.attempts, record.emissions) == ("sent", 1, 1)


def test_an_interrupted_sending_ends_with_its_wait(
    ready: Bench, start: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No way to the concentrator any more: 2 jours ouvrés after the start silence is a failure, as ever."""
    dead, heir = start("dies"), start("heir")
    _die_while_sending(ready, dead, monkeypatch)
    heir.send()
    heir.watch.at += LEASE
    heir.wire.results = [FAILED]
    heir.send()
    ready.clock.move_to(datetime(2025, 3, 6, 23, tzinfo=UTC))
    heir.gateway.dispatch.run()
    record = ready.lot().record
    assert (record.state, record.attempts, record.emissions) == ("sent", 2, 2)
    assert record.first_failure_on == date(2025, 3, 6)
    assert heir.wire.attempts == [(1, 1), (1, 2)]


def test_an_interrupted_sending_keeps_to_its_hours(
    bench: Bench, start: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caisse has closed meanwhile: the attempt goes on when it opens (8.30 in Paris is 7.30 in UTC), not before."""
    office = Destination(organism=ARTOIS, opens=time(8, 30), closes=time(18))
    object.__setattr__(bench.profile, "destinations", {ARTOIS: office})
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    dead, heir = start("dies"), start("heir")
    _die_while_sending(bench, dead, monkeypatch)
    heir.send()
    heir.watch.at += LEASE
    bench.clock.move_to(datetime(2025, 3, 4, 19, tzinfo=UTC))
    heir.send()
    assert heir.wire.sent == []
    opening = datetime(2025, 3, 5, 7, 30, tzinfo=UTC)
    assert bench.gateway.dispatch.next_due() == opening
    bench.clock.move_to(opening - timedelta(seconds=1))
    assert heir.send() == 0
    bench.clock.move_to(opening)
    assert heir.send() == 1
    assert heir.wire.attempts == [(1, 1)]


def test_an_interrupted_sending_does_not_outlive_its_window(
    ready: Bench, start: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It began on the last day, Friday 14 March; on Saturday its bytes leave no more: silence and duplicata follow."""
    dead, heir = start("dies"), start("heir")
    ready.clock.move_to(datetime(2025, 3, 14, 22, 59, tzinfo=UTC))
    _die_while_sending(ready, dead, monkeypatch)
    heir.send()
    heir.watch.at += LEASE
    ready.clock.move_to(datetime(2025, 3, 14, 23, tzinfo=UTC))
    heir.gateway.dispatch.run()
    assert (heir.wire.sent, ready.lot().record.state) == ([], "emission_started")
    # started on Friday 14 + 2 jours ouvrés = Tuesday 18; the failure opens 2 more for another emission
    ready.clock.move_to(datetime(2025, 3, 18, 23, tzinfo=UTC))
    heir.gateway.dispatch.run()
    assert heir.wire.attempts == [(1, 2)]


def test_a_worker_slower_than_a_lease_does_no_harm(ready: Bench, start: Callable[[str], Worker]) -> None:
    """Both send the same attempt; the second finishes it, and what the slow one is answered at last changes nothing."""
    slow, heir = start("slow"), start("heir")

    def meanwhile(_label: FileLabel, _envelope: bytes) -> None:
        heir.send()
        heir.watch.at += LEASE
        assert heir.send() == 1

    slow.wire.while_sending = meanwhile
    slow.wire.results = [FAILED]
    assert slow.send() == 1
    assert slow.wire.attempts == heir.wire.attempts == [(1, 1)]
    record = ready.lot().record
    assert (record.state, record.attempts, record.emissions) == ("sent", 1, 1)
    assert ready.events(lot=1).count("emit") == 1
    assert "emission_failed" not in ready.events(lot=1)


def test_a_slow_worker_counts_no_second_emission(ready: Bench, start: Callable[[str], Worker]) -> None:
    """The heir has finished and the answer has come: one attempt is one emission, whoever else says «taken»."""
    slow, heir = start("slow"), start("heir")

    def meanwhile(_label: FileLabel, _envelope: bytes) -> None:
        heir.send()
        heir.watch.at += LEASE
        heir.send()
        heir.wire.put(ready.arl())
        heir.gateway.dispatch.collect()

    slow.wire.while_sending = meanwhile
    slow.send()
    record = ready.lot().record
    assert (record.state, record.emissions) == ("positive", 1)


def test_a_hold_that_could_not_be_opened_is_opened_later(
    ready: Bench, start: Callable[[str], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lone worker whose lot stayed in its own hands after a failure takes it up again after the lease."""
    lone = start("lone")
    lone.wire.results = [FAILED]
    with monkeypatch.context() as patched:
        patched.setattr("gateway.journal.claims.Claims.let_go", lambda *_: None)
        lone.send()
    assert (ready.lot().record.state, _hands(ready)) == ("signed", [("lone",)])
    ready.clock.advance(timedelta(hours=1))
    assert lone.send() == 0
    lone.watch.at += LEASE
    assert lone.send() == 1
    assert ready.lot().record.state == "sent"


def test_a_spoiled_sheet_is_set_aside_and_the_others_leave(bench: Bench) -> None:
    """Its bytes changed behind the back of the program: a duplicata is due for it, the rest of its lot is sent."""
    for rank in range(3):
        bench.submit(visit(f"A{rank}"))
    bench.submit(visit("B", patient=patient("imaginaire")), "imaginaire")
    with bench.journal.connection("write") as connection:
        connection.execute(tables.sheets.update().where(tables.sheets.c.number == 2).values(sealed=b"spoiled"))
    assert bench.gateway.send_all(bench.period()) == (1, 2)
    assert {number: bench.state(number) for number in (1, 2, 3, 4)} == {
        1: "sent",
        2: "duplicata_due",
        3: "sent",
        4: "sent",
    }
    left = {label.organism: set(open_lot(opened(file, label.organism)).sheets) for label, file in bench.wire.sent}
    assert left == {ARTOIS: {1, 3}, OPALE: {4}}
    assert bench.rows("SELECT kind, state FROM papers WHERE sheet = 2") == [("duplicata", "to_print")]
    assert bench.gateway.sheet(2).reason
