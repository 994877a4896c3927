"""Lots that wait: one at a time, held after a refusal, back-off in a row, what broke off."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import pytest

from gateway.destinations import Destination
from gateway.errors import GatewayError
from gateway.transport import Sending
from tests.gateway.bench import ARTOIS, patient, visit

if TYPE_CHECKING:
    from gateway.routing_label import FileLabel
    from tests.gateway.bench import Bench

BOTH_DATABASES = True

FAILED = (Sending.NOT_TAKEN, "connexion refusée")
FORBIDDEN = (Sending.REFUSED, "HTTP 403")
OFFICE = Destination(organism=ARTOIS, opens=time(8, 30), closes=time(18), working_days=True)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _serve(bench: Bench, *destinations: Destination) -> None:
    """Have the profile say this of its caisses."""
    bench.profile = replace(bench.profile, destinations={one.organism: one for one in destinations})
    bench.reopen()


def _signed(bench: Bench, *references: str, family: str = "dutest") -> None:
    """Make a signed lot of one sheet for each reference."""
    for reference in references:
        changes = {} if family == "dutest" else {"patient": patient(family)}
        bench.submit(visit(reference, **changes), family)
        bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())


def _sent(bench: Bench) -> list[int]:
    """Return the lots that were sent, in order."""
    return [label.lot_number for label, _ in bench.wire.sent]


def _states(bench: Bench) -> dict[int, str]:
    return dict(bench.rows("SELECT number, state FROM lots"))


def _wait(bench: Bench, lot: int = 1) -> timedelta:
    """Return how long the lot waits from now."""
    until = bench.lot(lot).not_before
    assert until is not None
    return until - bench.clock.now()


# ------------------------------------------------------------------------------------------------------------- windows


def test_two_unanswered_lots_do_not_wait_for_each_other(bench: Bench) -> None:
    """The caisse asked for one at a time after two had left: both go again, one after the other."""
    _signed(bench, "A", "B")
    bench.gateway.dispatch.run()
    _serve(bench, Destination(organism=ARTOIS, one_at_a_time=True))
    bench.clock.move_to(_at("2025-03-06T23:00"))
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 2, 1], {1: "sent", 2: "reemission_due"})
    bench.wire.put(bench.arl())
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 2, 1, 2], {1: "positive", 2: "sent"})


# -------------------------------------------------------------------------------------------------------------- a hold


def test_a_refusal_for_good_waits_for_a_person(bench: Bench) -> None:
    """HTTP 403: no repetition changes it. The reason is kept, nothing is tried, until somebody releases the lot."""
    _signed(bench, "A")
    bench.wire.results = [FORBIDDEN]
    bench.gateway.dispatch.run()
    record = bench.lot().record
    assert (record.state, record.attempts, record.emissions, bench.lot().hold) == ("signed", 1, 0, "HTTP 403")
    assert bench.rows("SELECT detail FROM events WHERE name = 'held'") == [("HTTP 403",)]
    bench.clock.move_to(_at("2025-03-07T10:00"))
    assert bench.gateway.dispatch.hurry() == 0
    bench.gateway.dispatch.run()
    assert _sent(bench) == [1]
    bench.gateway.dispatch.release(1)
    assert (bench.lot().hold, "released" in bench.events(lot=1)) == ("", True)
    bench.gateway.dispatch.run()
    assert (_sent(bench), bench.state()) == ([1, 1], "sent")
    assert bench.wire.sent[0] == bench.wire.sent[1]
    assert bench.wire.attempts == [(1, 1), (1, 2)]


def test_the_window_of_a_held_lot_closes(bench: Bench) -> None:
    """Nobody released it: at the end of Friday 14 March the duplicata falls due, with its reason."""
    _signed(bench, "A")
    bench.wire.results = [FORBIDDEN]
    bench.gateway.dispatch.run()
    assert bench.gateway.dispatch.next_due() == _at("2025-03-14T23:00")
    bench.clock.move_to(_at("2025-03-14T23:00"))
    bench.gateway.dispatch.run()
    assert (bench.lot().record.state, bench.state(), _sent(bench)) == ("abandoned", "duplicata_due", [1])
    ((document,),) = bench.rows("SELECT document FROM papers WHERE sheet = 1")
    assert json.loads(document)["reason"] == "first_window_over"


def test_a_held_lot_holds_up_no_other(bench: Bench) -> None:
    """The next lot of the same caisse leaves in the same round, also where it wants one at a time."""
    _serve(bench, Destination(organism=ARTOIS, one_at_a_time=True))
    _signed(bench, "A", "B")
    bench.wire.results = [FORBIDDEN]
    bench.gateway.dispatch.run()
    assert _states(bench) == {1: "signed", 2: "sent"}


def test_a_refused_repetition_of_an_answered_lot_holds_nothing(bench: Bench) -> None:
    """The answer to the first emission came while the second was being refused: nothing waits for a person."""
    _signed(bench, "A")
    bench.gateway.dispatch.run()
    answer = bench.arl()

    def answered(_label: FileLabel, _envelope: bytes) -> None:
        bench.wire.put(answer)
        bench.gateway.dispatch.collect()

    bench.wire.while_sending, bench.wire.results = answered, [FORBIDDEN]
    bench.clock.move_to(_at("2025-03-06T23:00"))
    bench.gateway.dispatch.run()
    record = bench.lot().record
    assert (record.state, record.attempts, bench.lot().hold) == ("positive", 2, "")
    assert "held" not in bench.events(lot=1)


@pytest.mark.parametrize(("lot", "rule"), [(1, "LOT-NOT-HELD"), (9, "LOT-UNKNOWN")])
def test_only_a_held_lot_is_released(bench: Bench, lot: int, rule: str) -> None:
    """LOT-NOT-HELD, LOT-UNKNOWN: releasing what waits for nobody is a mistake, told with its number."""
    _signed(bench, "A")
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.dispatch.release(lot)
    assert (refusal.value.rule.id, refusal.value.facts) == (rule, {"number": lot})
    assert "released" not in bench.events(lot=1)


# ------------------------------------------------------------------------------------------------------------ back-off


def test_the_waits_double_and_the_next_try_has_its_hour(bench: Bench) -> None:
    """From half a minute to a minute, then one to two, two to four …: next_due names the try, and none comes before."""
    _signed(bench, "A")
    bench.wire.results = [FAILED] * 9
    for failures in range(1, 6):
        bench.gateway.dispatch.run()
        assert len(_sent(bench)) == failures
        wait, due = _wait(bench), bench.gateway.dispatch.next_due()
        assert timedelta(seconds=30 * 2 ** (failures - 1)) <= wait <= timedelta(seconds=60 * 2 ** (failures - 1))
        assert due == bench.clock.now() + wait
        bench.clock.move_to(due - timedelta(seconds=1))
        bench.gateway.dispatch.run()
        assert len(_sent(bench)) == failures
        bench.clock.move_to(due)


def test_a_success_ends_the_row_of_failures(bench: Bench) -> None:
    """Three failures, an emission, silence: the first failure of the second emission waits a minute at most again."""
    _signed(bench, "A")
    bench.wire.results = [FAILED] * 3
    for _ in range(4):
        bench.gateway.dispatch.run()
        bench.gateway.dispatch.hurry()
    assert (bench.lot().record.state, len(_sent(bench))) == ("sent", 4)
    bench.wire.results = [FAILED]
    bench.clock.move_to(_at("2025-03-06T23:00"))
    bench.gateway.dispatch.run()
    assert bench.lot().record.state == "reemission_due"
    assert timedelta(seconds=30) <= _wait(bench) <= timedelta(seconds=60)


def test_a_new_lot_of_old_sheets_waits_as_long_as_any(bench: Bench) -> None:
    """Sheets of a refused lot bring their emissions along: the wait after the new lot's first failure is whole."""
    _signed(bench, "A")
    for lot in (1, 2):
        bench.gateway.dispatch.run()
        bench.wire.put(bench.refused(lot))
        bench.gateway.dispatch.run()
        bench.gateway.requeue(lot)
        bench.gateway.lots.close()
        bench.gateway.lots.sign(bench.period())
    bench.wire.results = [FAILED]
    bench.gateway.dispatch.run()
    assert bench.lot(3).record.attempts == 1
    assert timedelta(seconds=30) <= _wait(bench, 3) <= timedelta(seconds=60)


def test_hurry_tries_at_once(bench: Bench) -> None:
    """The outage is over: what waits is tried now, and counted; what does not wait is not."""
    _signed(bench, "A")
    _signed(bench, "B", family="imaginaire")
    bench.wire.results = [FAILED, FAILED]
    bench.gateway.dispatch.run()
    bench.gateway.dispatch.run()
    assert _sent(bench) == [1, 2]
    assert bench.gateway.dispatch.hurry() == 2
    bench.gateway.dispatch.run()
    assert (_sent(bench), _states(bench)) == ([1, 2, 1, 2], {1: "sent", 2: "sent"})
    assert bench.gateway.dispatch.hurry() == 0


def test_hurry_opens_no_door(bench: Bench) -> None:
    """A caisse that is closed stays so: the lot waits for its opening as before."""
    _serve(bench, OFFICE)
    bench.clock.move_to(_at("2025-03-07T18:00"))
    _signed(bench, "A")
    bench.gateway.dispatch.run()
    bench.gateway.dispatch.hurry()
    bench.gateway.dispatch.run()
    assert (_sent(bench), bench.lot().not_before) == ([], _at("2025-03-10T07:30"))


def test_a_lot_that_cannot_be_enveloped_waits_the_longest(bench: Bench) -> None:
    """No certificate of the caisse: tried every six hours, said each time, and the limit still holds."""
    certificate = bench.caisses.pop(ARTOIS)
    _signed(bench, "A")
    bench.gateway.dispatch.run()
    assert _wait(bench) == timedelta(hours=6)
    bench.clock.advance(timedelta(hours=6))
    bench.gateway.dispatch.run()
    assert bench.events(lot=1).count("not_sendable") == 2
    bench.caisses[ARTOIS] = certificate
    bench.clock.advance(timedelta(hours=6))
    bench.gateway.dispatch.run()
    assert bench.state() == "sent"


def test_a_past_wait_does_not_resume_what_broke_off(bench: Bench) -> None:
    """A second try that breaks off in this very process is let go of: it awaits its answer."""
    _signed(bench, "A")
    bench.wire.results = [FAILED]
    bench.gateway.dispatch.run()
    bench.clock.advance(timedelta(hours=1))

    def breaks(_label: FileLabel, _envelope: bytes) -> None:
        raise RuntimeError

    bench.wire.while_sending = breaks
    with pytest.raises(RuntimeError):
        bench.gateway.dispatch.run()
    bench.wire.while_sending = None
    bench.gateway.dispatch.run()
    assert (_sent(bench), bench.lot().record.state) == ([1, 1], "emission_started")
