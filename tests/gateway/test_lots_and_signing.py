"""Lots: one caisse, one mode, one specification; numbered as they close; signed only while somebody stands by."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fse.cards import CardError
from fse.lot import MAX_SHEETS, open_lot
from gateway.destinations import Destination
from gateway.errors import GatewayError
from gateway.readers import ProfessionalCard
from gateway.signing_period import SigningPeriod
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, patient, visit

if TYPE_CHECKING:
    from tests.gateway.bench import Bench

BOTH_DATABASES = True


def _some_day(bench: Bench) -> None:
    """Queue two secured and one degraded sheet for the Artois, two secured for the Côte d'Opale."""
    bench.submit(visit("A1"))
    bench.submit(visit("B1", patient=patient("imaginaire")), "imaginaire")
    bench.submit(visit("A2", vitale="absent"), None)
    bench.submit(visit("B2", patient=patient("imaginaire", child=1)), "imaginaire")
    bench.submit(visit("A3"))


LOTS = "SELECT number, file_number, organism, mode, specification, state FROM lots ORDER BY number"


def test_one_lot_holds_one_caisse_and_one_mode(bench: Bench) -> None:
    """Sheets are sorted by caisse, mode and specification; each lot has its number and its file's, in order."""
    _some_day(bench)
    assert bench.gateway.lots.close() == (1, 2, 3)
    assert bench.rows(LOTS) == [
        (1, 1, OPALE, "securise", "1.40", "to_sign"),
        (2, 2, ARTOIS, "degrade", "1.40", "to_sign"),
        (3, 3, ARTOIS, "securise", "1.40", "to_sign"),
    ]
    assert bench.rows("SELECT number, lot FROM sheets ORDER BY number") == [(1, 3), (2, 1), (3, 2), (4, 1), (5, 3)]


def test_another_specification_is_another_lot(bench: Bench) -> None:
    """Sheets drawn up under two versions of the cahier des charges never travel in one lot."""
    bench.submit(visit("A1"))
    object.__setattr__(bench.profile, "specification", "1.50")
    bench.submit(visit("A2"))
    bench.gateway.lots.close()
    assert [row[4] for row in bench.rows(LOTS)] == ["1.40", "1.50"]


def test_a_lot_has_at_most_its_maximum(bench: Bench) -> None:
    """Five sheets and a destination that wants two at most make three lots; the most that one may ask is 990."""
    assert Destination(organism=ARTOIS).max_sheets == MAX_SHEETS == 990
    bench.profile = replace(bench.profile, destinations={ARTOIS: Destination(organism=ARTOIS, max_sheets=2)})
    bench.reopen()
    for rank in range(5):
        bench.submit(visit(f"A{rank}"))
    assert bench.gateway.lots.close() == (1, 2, 3)
    assert bench.rows("SELECT lot, count(*) FROM sheets GROUP BY lot ORDER BY lot") == [(1, 2), (2, 2), (3, 1)]


def test_nothing_to_close_makes_no_lot(bench: Bench) -> None:
    """Without a queued sheet there is no lot and no number used."""
    assert bench.gateway.lots.close() == ()
    bench.submit(visit())
    assert bench.gateway.lots.close() == (1,)
    assert bench.gateway.lots.close() == ()
    assert (bench.counter("lot"), bench.counter("file")) == (1, 1)


def test_a_closing_that_fails_uses_no_number(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are given in the transaction that closes: when it fails, they were never given."""
    _some_day(bench)

    def fail(*_arguments: object) -> None:
        raise GatewayError("SHEET-UNKNOWN", number=1)

    with monkeypatch.context() as patched:
        patched.setattr("gateway.lots.StoredLot", fail)
        with pytest.raises(GatewayError):
            bench.gateway.lots.close()
    assert (bench.counter("lot"), bench.counter("file"), bench.rows(LOTS)) == (0, 0, [])
    assert bench.gateway.lots.close() == (1, 2, 3)


def test_nobody_signs_unattended(bench: Bench) -> None:
    """Without a signing period lots wait, dispatch sends nothing, and the earliest deadline can be seen."""
    _some_day(bench)
    bench.gateway.lots.close()
    bench.gateway.dispatch.run()
    assert {row[5] for row in bench.rows(LOTS)} == {"to_sign"}
    assert bench.wire.sent == []
    assert bench.lot(1).record.deadline.isoformat() == "2025-03-14"


def test_the_manifest_lists_its_sheets_and_the_doctor_signed_it(bench: Bench) -> None:
    """A signed lot opens: its manifest is the lot's, its sheets are the stored bytes, its signature holds."""
    _some_day(bench)
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    signed = open_lot(bench.lot(3).signed or b"")
    lot = signed.lot
    assert (lot.number, lot.file_number, lot.organism, lot.mode) == (3, 3, ARTOIS, "securise")
    assert (lot.biller, lot.day.isoformat()) == ("629990011", "2025-03-04")
    stored = dict(bench.rows("SELECT number, sealed FROM sheets WHERE lot = 3"))
    assert signed.sheets == stored
    assert {number for number, _ in lot.sheets} == {1, 5}


def test_the_card_is_asked_once_for_each_lot(bench: Bench) -> None:
    """One lot, one signature of the card, however many sheets it holds."""
    _some_day(bench)
    bench.gateway.lots.close()
    card = bench.doctor()
    asked = []

    class Counting:
        def sign(self, digest: bytes) -> bytes:
            asked.append(digest)
            return card.reader.sign(digest)

    counting: Any = Counting()
    until = bench.clock.now() + timedelta(minutes=1)
    period = SigningPeriod(ProfessionalCard(counting, card.holder), bench.clock, until=until, signatures=9)
    assert bench.gateway.lots.sign(period) == (1, 2, 3)
    assert len(asked) == len(set(asked)) == 3


def test_a_period_ends_with_its_count(bench: Bench) -> None:
    """A period for two signatures signs two lots; the third waits for another period."""
    _some_day(bench)
    bench.gateway.lots.close()
    assert bench.gateway.lots.sign(bench.period(signatures=2)) == (1, 2)
    assert bench.gateway.lots.sign(bench.period()) == (3,)


def test_a_period_ends_with_its_time(bench: Bench) -> None:
    """The last second of a period still signs; after it SIGNING-OVER says until when it held."""
    period = bench.period(minutes=10)
    bench.clock.advance(timedelta(minutes=10))
    assert period.is_open
    bench.clock.advance(timedelta(seconds=1))
    assert not period.is_open
    with pytest.raises(GatewayError) as refusal:
        period.use()
    assert refusal.value.rule.id == "SIGNING-OVER"
    bench.submit(visit())
    bench.gateway.lots.close()
    assert bench.gateway.lots.sign(period) == ()


def test_a_card_without_the_right_opens_no_period(bench: Bench) -> None:
    """SIGNING-ENTITLEMENT: the right to sign lots is a right of its own, written on the card."""
    card = bench.doctor("medecin_sans_droit")
    with pytest.raises(GatewayError) as refusal:
        SigningPeriod(card, bench.clock, until=bench.clock.now(), signatures=1)
    assert (refusal.value.rule.id, refusal.value.facts) == ("SIGNING-ENTITLEMENT", {"rpps": "99700000039"})


def test_a_period_holds_no_pin(bench: Bench) -> None:
    """The PIN went to the card and nowhere else: when the card is reset, the period signs nothing any more."""
    bench.submit(visit())
    bench.gateway.lots.close()
    period = bench.period()
    assert "1234" not in repr(vars(period))
    build.cps("medecin").reset()
    with pytest.raises(CardError):
        bench.gateway.lots.sign(period)
    assert bench.rows("SELECT state, signed FROM lots") == [("to_sign", None)]
    assert bench.gateway.lots.sign(bench.period()) == (1,)


def test_an_envelope_is_made_once(bench: Bench) -> None:
    """The envelope is stored before it is used, and the stored bytes are what is used from then on."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    made = bench.gateway.lots.envelope(bench.lot())
    assert bench.rows("SELECT envelope FROM lots") == [(made,)]
    bench.reopen()
    assert bench.gateway.lots.envelope(bench.lot()) == made


def test_a_caisse_without_certificate_is_named(bench: Bench) -> None:
    """LOT-CAISSE: nothing can be enciphered for a caisse whose certificate is not installed."""
    bench.submit(visit())
    bench.gateway.lots.close()
    bench.gateway.lots.sign(bench.period())
    del bench.caisses[ARTOIS]
    with pytest.raises(GatewayError) as refusal:
        bench.gateway.lots.envelope(bench.lot())
    assert (refusal.value.rule.id, refusal.value.facts) == ("LOT-CAISSE", {"organism": ARTOIS})
