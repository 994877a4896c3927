"""Answers that come when nobody waits for them any more: what was received stands, what replaced it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fse.lifecycle import PaperEvent
from gateway.destinations import Destination
from tests.gateway.bench import ARTOIS, visit

if TYPE_CHECKING:
    from gateway.routing_label import FileLabel
    from tests.gateway.bench import Bench

BOTH_DATABASES = True


def _at(bench: Bench, day: int, hour: int = 10) -> None:
    bench.clock.move_to(datetime(2025, 3, day, hour, tzinfo=UTC))
    bench.gateway.run()


def test_a_late_answer_voids_the_duplicata_and_not_the_twin(bench: Bench) -> None:
    """
    A degraded sheet of 4 March that nobody answers until its duplicata is due, on the 15th.

    Then the answer comes: the caisse has the sheet, and still expects its paper half (protocol art. 6).
    """
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    late = bench.arl()
    for day in (7, 12, 15):
        _at(bench, day)
    assert bench.state() == "duplicata_due"
    bench.wire.put(late)
    _at(bench, 15, 11)
    assert bench.state() == "acknowledged"
    assert bench.rows("SELECT kind, state FROM papers ORDER BY number") == [
        ("twin", "to_print"),
        ("duplicata", "void"),
    ]


def test_a_late_answer_speaks_of_sheets_that_have_left_in_another_lot(bench: Bench) -> None:
    """
    Two sheets in one lot, of 28 February and of 4 March, that nobody answers; on the 13th its window closes.

    The younger one leaves in a second lot, which nobody answers either, and its duplicata is posted. The answer to the
    first lot comes: the caisse has had both sheets all the time. Both are told, for neither may be paid twice.
    """
    bench.submit(visit("OLD", acts=[{"code": "COD", "on": "2025-02-28"}]))
    bench.submit(visit("NEW"))
    bench.gateway.send_all(bench.period())
    late = bench.arl(1, sheets=2)
    for day in (7, 13):
        _at(bench, day)
    assert (bench.state(1), bench.lot().record.state) == ("duplicata_due", "abandoned")
    bench.gateway.send_all(bench.period())
    assert (bench.state(2), bench.gateway.sheet(2).lot) == ("sent", "000002")
    for day in (18, 21):
        _at(bench, day)
    assert bench.state(2) == "duplicata_due"
    for number in (1, 2):
        for event in (PaperEvent.PRINT, PaperEvent.POST):
            bench.gateway.move_paper(number, event)
    bench.wire.put(late)
    _at(bench, 22)
    for number in (1, 2):
        record = bench.gateway.sheet(number)
        assert (record.state, [str(flag) for flag in record.flags]) == ("duplicata_sent", ["late_answer"])


def test_an_altered_lot_leaves_again_in_the_same_run(bench: Bench) -> None:
    """What the answer makes due is done at once; a lot that is altered again and again waits longer each time."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())

    def alter(_label: FileLabel, envelope: bytes) -> None:
        arrived = envelope + bytes([len(bench.wire.sent)])  # never altered twice in the same way
        bench.wire.put(bench.altered(arrived=arrived))

    bench.wire.while_sending = alter
    bench.gateway.run()
    tries = len(bench.wire.sent)
    assert 2 <= tries <= 5
    due = bench.gateway.dispatch.next_due()
    assert due is not None
    assert (due - bench.clock.now()).total_seconds() <= 60
    bench.wire.while_sending = None
    bench.clock.move_to(due)
    bench.gateway.run()
    assert (bench.state(), len(bench.wire.sent)) == ("sent", tries + 1)


def test_one_lot_at_a_time_does_not_wait_for_a_second_run(bench: Bench) -> None:
    """The first lot is answered at once: the second one leaves in the same run."""
    one = Destination(organism=ARTOIS, max_sheets=1, one_at_a_time=True)
    bench.profile = replace(bench.profile, destinations={ARTOIS: one})
    bench.reopen()
    for reference in ("A", "B"):
        bench.submit(visit(reference))
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())

    def answer(label: FileLabel, _envelope: bytes) -> None:
        bench.wire.put(bench.arl(label.lot_number))

    bench.wire.while_sending = answer
    bench.gateway.run()
    assert [label.lot_number for label, _ in bench.wire.sent] == [1, 2]
    assert (bench.state(1), bench.state(2)) == ("acknowledged", "acknowledged")
