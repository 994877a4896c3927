"""One sheet in the place of another: regularised before it leaves, corrected after its rejection, never twice alive."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fse.lifecycle import ImpossibleTransition, SheetEvent
from fse.seals import seal_as_professional
from fse.sheet_xml import read_sheet
from gateway.errors import GatewayError
from tests.gateway.bench import visit

if TYPE_CHECKING:
    from fse.seals import SealedSheet
    from gateway.reply import Reply
    from tests.gateway.bench import Bench

BOTH_DATABASES = True


def _replace(bench: Bench, number: int, reference: str = "V2", family: str | None = "dutest") -> Reply:
    (reply,) = bench.gateway.replace(number, visit(reference), bench.cards(family))
    return reply


def _papers(bench: Bench) -> list[tuple[int, str, str]]:
    return [tuple(row) for row in bench.rows("SELECT sheet, kind, state FROM papers ORDER BY number")]


def test_a_card_found_again_regularises_the_degraded_sheet(bench: Bench) -> None:
    """Before emission: the degraded sheet and its twin are void, a secured one stands under a new number."""
    bench.submit(visit(vitale="absent"), None)
    reply = _replace(bench, 1)
    assert (reply.sheet, reply.outcome) == (2, "secured")
    assert (bench.state(1), bench.state(2)) == ("void", "queued")
    assert _papers(bench) == [(1, "twin", "void")]
    assert (bench.gateway.sheet(1).successor, bench.gateway.sheet(2).corrects) == ("000000002", "000000001")
    bench.gateway.send_all(bench.period())
    assert bench.rows("SELECT number FROM sheets WHERE lot IS NOT NULL") == [(2,)]


def test_the_same_replacement_again_answers_the_same(bench: Bench) -> None:
    """A repeated request is no second replacement: same reference, same facts, same answer."""
    bench.submit(visit(vitale="absent"), None)
    first = _replace(bench, 1)
    assert _replace(bench, 1) == first
    assert bench.counter("sheet") == 2


def test_after_emission_nothing_changes(bench: Bench) -> None:
    """A degraded sheet that has left stands, with its twin; no number is used for what cannot be."""
    bench.submit(visit(vitale="absent"), None)
    bench.gateway.send_all(bench.period())
    with pytest.raises(ImpossibleTransition):
        _replace(bench, 1)
    assert (bench.state(1), bench.counter("sheet")) == ("sent", 1)
    assert _papers(bench) == [(1, "twin", "to_print")]


def test_a_secured_sheet_is_not_regularised(bench: Bench) -> None:
    """Both cards have signed: there is nothing to regularise."""
    bench.submit(visit())
    with pytest.raises(ImpossibleTransition):
        _replace(bench, 1)


def test_a_sheet_that_leaves_meanwhile_wins(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lot closes while the new sheet is being signed: the new number is void, one sheet for one care."""
    bench.submit(visit(vitale="absent"), None)

    def close_first(*facts: Any) -> SealedSheet:  # noqa: ANN401 - passed on as they are
        bench.gateway.lots.close()
        return seal_as_professional(*facts)

    monkeypatch.setattr("gateway.sealing.seal_as_professional", close_first)
    with pytest.raises(ImpossibleTransition):
        _replace(bench, 1)
    assert (bench.state(1), bench.state(2)) == ("in_lot", "void")
    assert bench.gateway.sheet(2).reason == "overtaken"


def test_a_rejected_sheet_is_corrected_by_a_new_one(bench: Bench) -> None:
    """
    Rejected on 20 March: the new sheet has 8 jours ouvrés from that day.

    By hand: Thursday 20 March 2025 + 8 jours ouvrés (21, 24, 25, 26, 27, 28, 31 March, 1 April) = Tuesday 1 April.
    """
    bench.submit(visit())
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.run()
    bench.clock.move_to(datetime(2025, 3, 20, 10, tzinfo=UTC))
    bench.gateway.move_sheet(1, SheetEvent.RETURN_REJECTED, "code 12, ligne 1")
    bench.clock.move_to(datetime(2025, 3, 24, 10, tzinfo=UTC))  # long after the window of the care of 4 March
    reply = _replace(bench, 1)
    assert (reply.sheet, reply.deadline) == (2, date(2025, 4, 1))
    assert (bench.state(1), bench.state(2)) == ("corrected", "queued")
    with bench.journal.read() as tx:
        new = tx.sheet(2)
    assert new is not None
    assert read_sheet(new.payload).delay_from == date(2025, 3, 20)
    with pytest.raises(ImpossibleTransition):
        _replace(bench, 1, "V3")


def test_a_correction_is_one_sheet(bench: Bench) -> None:
    """REPLACE-ONE: an encounter that gives no sheet, or several, replaces none; nothing is reserved."""
    bench.submit(visit(vitale="absent"), None)
    late = visit("V2", at="2025-03-04T10:00:00+01:00", acts=[{"code": "VACCIN", "cip": "3400935137340"}])
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.replace(1, late.model_copy(), bench.cards())
    assert refusal.value.rule.id == "REPLACE-ONE"
    assert bench.counter("sheet") == 1


def test_an_interrupted_replacement_is_taken_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power fails after the patient's card has signed: the same request ends it, the old sheet ends once."""
    bench.submit(visit(vitale="absent"), None)

    class PowerCutError(Exception):
        pass

    def cut(*_facts: object) -> SealedSheet:
        raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr("gateway.sealing.seal_as_professional", cut)
        with pytest.raises(PowerCutError):
            _replace(bench, 1)
    assert (bench.state(1), bench.state(2)) == ("queued", "patient_signed")
    bench.reopen()
    assert _replace(bench, 1).sheet == 2
    assert (bench.state(1), bench.state(2)) == ("void", "queued")


def test_what_a_person_decides(bench: Bench) -> None:
    """Void, block, attestation, returns and close are a person's; an acknowledgement is not (SHEET-EVENT)."""
    bench.submit(visit())
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.move_sheet(1, SheetEvent.ACKNOWLEDGE_POSITIVE)
    assert refusal.value.rule.id == "SHEET-EVENT"
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.move_sheet(7, SheetEvent.VOID, "essai")
    assert refusal.value.rule.id == "SHEET-UNKNOWN"
    assert bench.gateway.move_sheet(1, SheetEvent.VOID, "doublon de saisie").state == "void"


def test_the_words_of_a_person_are_in_no_event(bench: Bench) -> None:
    """A reason may name somebody: it stands in the record, which a purge deletes, and in no event."""
    bench.submit(visit())
    bench.gateway.move_sheet(1, SheetEvent.BLOCKED, "panne, voir Emma DUTEST")
    assert bench.gateway.sheet(1).reason == "panne, voir Emma DUTEST"
    assert bench.rows("SELECT count(*) FROM events WHERE detail LIKE '%DUTEST%'") == [(0,)]
    assert bench.state(1) == "duplicata_due"


def test_a_sheet_in_a_lot_is_not_blocked_alone(bench: Bench) -> None:
    """SHEET-IN-LOT: its lot would carry it away while its duplicata leaves by post; the lot may be blocked."""
    bench.submit(visit())
    bench.submit(visit("V2"))
    bench.gateway.lots.close()
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.move_sheet(1, SheetEvent.BLOCKED, "panne")
    assert refusal.value.rule.id == "SHEET-IN-LOT"
    bench.gateway.block_lot(1, "concentrateur fermé")
    assert (bench.state(1), bench.state(2), bench.lot().record.state) == ("duplicata_due", "duplicata_due", "abandoned")
    assert bench.gateway.sheet(1).reason == "concentrateur fermé"
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.block_lot(9, "?")
    assert refusal.value.rule.id == "LOT-UNKNOWN"


def test_a_lot_is_settled_with_its_last_sheet(bench: Bench) -> None:
    """Two sheets acknowledged in one lot: it is settled when the second one is closed, not before."""
    bench.submit(visit())
    bench.submit(visit("V2"))
    bench.gateway.send_all(bench.period())
    bench.wire.put(bench.arl())
    bench.gateway.run()
    for number, expected in ((1, "positive"), (2, "settled")):
        bench.gateway.move_sheet(number, SheetEvent.RETURN_PAID)
        bench.gateway.move_sheet(number, SheetEvent.CLOSE)
        assert bench.lot().record.state == expected
