"""The simulated caisse: believes nothing before the lot's signature, answers what it judged, keeps what it must."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fse.arl import ArlResult, verify_arl
from fse.lot import digest, sign_lot
from fse.sheet import Cause
from gateway.clock import SimulatedClock
from gateway.envelopes import make_envelope, open_envelope
from gateway.routing_label import FileLabel
from gateway.simulator.caisse import Caisse
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, DOCTOR, OPALE, TUESDAY, insert, party_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from card_sim.cps import CpsCard
    from fse.arl import Arl
    from fse.trust import TrustStore

AT = build.NOW
SHEETS = tuple(build.seal(build.example_sheet(number=number)).encode() for number in (7, 8))
OTHER_SHEET = build.seal(build.example_sheet(number=7, order=2)).encode()


def _caisse(code: str = ARTOIS, trust: TrustStore | None = None) -> Caisse:
    billers = {build.BILLER: build.party(build.BILLER).certificate}
    return Caisse(code, party_of(build.party(code)), trust or build.trust(), billers, SimulatedClock(AT))


def _lot(
    sheets: tuple[bytes, ...] = SHEETS,
    card: CpsCard | None = None,
    **changes: Any,  # noqa: ANN401 - fields of any type
) -> tuple[FileLabel, bytes]:
    """Return a signed lot and the label that goes with it."""
    lot = build.example_lot(sheets, **changes)
    label = FileLabel(lot.biller, ARTOIS, lot.file_number, lot.number, lot.mode)
    return label, sign_lot(lot, sheets, build.signer(card or build.cps("medecin")), AT)


def _send(caisse: Caisse, label: FileLabel, data: bytes) -> Arl:
    return _answer(caisse, label, make_envelope(data, caisse.party.certificate))[0]


def _answer(caisse: Caisse, label: FileLabel, envelope: bytes) -> tuple[Arl, bytes]:
    """Return the answer as the biller reads it, with the signed bytes."""
    signed = open_envelope(caisse.receive(label, envelope), party_of(build.party(build.BILLER)))
    return verify_arl(signed, build.trust()), signed


def test_a_sound_lot_is_received() -> None:
    """Positive: lot and file named, the digest of the signed lot, how many sheets; received, not yet accepted."""
    caisse, (label, data) = _caisse(), _lot()
    arl = _send(caisse, label, data)
    assert (arl.result, arl.digest, arl.sheets, arl.code) == (ArlResult.POSITIVE, digest(data), 2, "")
    assert (arl.organism, arl.biller, arl.lot_number, arl.file_number) == (ARTOIS, build.BILLER, 3, 5)
    assert arl.received_at == AT
    assert {key: sheet.rejection for key, sheet in caisse.sheets.items()} == {
        (build.BILLER, 7): "",
        (build.BILLER, 8): "",
    }


LABEL, DATA = _lot()
_FOREIGN = build.cps("medecin", build.THEIRS)


def _flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _enveloped(data: bytes, code: str = ARTOIS) -> bytes:
    return make_envelope(data, build.party(code).certificate)


ALTERED: dict[str, Callable[[], tuple[FileLabel, bytes]]] = {
    "nothing": lambda: (LABEL, b""),
    "a bit of the envelope": lambda: (LABEL, _flipped(_enveloped(DATA))),
    "cut": lambda: (LABEL, _enveloped(DATA)[:-16]),
    "for another caisse": lambda: (LABEL, _enveloped(DATA, OPALE)),
    "not compressed": lambda: (LABEL, gzip.compress(DATA)),
    "not a lot": lambda: (LABEL, _enveloped(b"dear caisse")),
    "a sheet instead of a lot": lambda: (LABEL, _enveloped(SHEETS[0])),
    "a bit of the lot": lambda: (LABEL, _enveloped(_flipped(DATA, len(DATA) // 2))),
    "a bit of its signature": lambda: (LABEL, _enveloped(_flipped(DATA, DATA.index(b"FSE-SIM lot 1") + 1500))),
    "a sheet changed": lambda: (LABEL, _enveloped(DATA.replace(SHEETS[0], _flipped(SHEETS[0])))),
    "label of another lot": lambda: (replace(LABEL, lot_number=4), _enveloped(DATA)),
    "label of another file": lambda: (replace(LABEL, file_number=6), _enveloped(DATA)),
    "label of another flow": lambda: (replace(LABEL, mode="degrade"), _enveloped(DATA)),
}


@pytest.mark.parametrize("make", ALTERED.values(), ids=ALTERED)
def test_what_did_not_arrive_as_it_was_signed_is_altered(make: Callable[[], tuple[FileLabel, bytes]]) -> None:
    """One and the same answer for every cause, with the digest of what arrived; the caisse keeps no trace of it."""
    caisse, (label, envelope) = _caisse(), make()
    arl, _ = _answer(caisse, label, envelope)
    assert (arl.result, arl.code, arl.sheet, arl.sheets) == (ArlResult.ALTERED, "ARL-ALTERED", None, 0)
    assert (arl.digest, arl.lot_number, arl.file_number) == (digest(envelope), label.lot_number, label.file_number)
    assert caisse.sheets == {}
    assert _send(caisse, LABEL, DATA).result is ArlResult.POSITIVE


def _revoked_trust() -> TrustStore:
    pki = build.new_pki()
    pki.revoke(build.cps("medecin").certificate, datetime(2025, 3, 1, tzinfo=UTC))
    return type(build.trust()).load(build.trust_files(pki))


def test_a_signer_without_the_right_is_refused() -> None:
    """The right to sign lots is a right of its own: whole but refused, with the rule."""
    label, data = _lot(card=build.cps("medecin_sans_droit"))
    arl = _send(_caisse(), label, data)
    assert (arl.result, arl.code, arl.digest) == (ArlResult.REFUSED, "SEAL-ENTITLEMENT", digest(data))


def test_a_stranger_learns_nothing_and_uses_up_no_number() -> None:
    """A card of an infrastructure with the same names is not believed, and the rightful lot of that number still is."""
    caisse = _caisse()
    assert _send(caisse, *_lot(card=_FOREIGN)).code == "ARL-ALTERED"
    assert _send(caisse, *_lot()).result is ArlResult.POSITIVE


def test_a_revoked_signer_is_refused() -> None:
    """A card on the revocation list when it signed: refused, and the sheets may come again in another lot."""
    caisse = _caisse(trust=_revoked_trust())
    arl = _send(caisse, *_lot())
    assert (arl.result, arl.code, caisse.sheets) == (ArlResult.REFUSED, "TRUST-REVOKED", {})


def test_a_lot_for_another_caisse_is_refused() -> None:
    """Convention art. 5: each caisse takes its own; a lot for another is refused by name, and not kept."""
    label, data = _lot(organism=OPALE)
    caisse = _caisse()
    arl = _send(caisse, label, data)
    assert (arl.result, arl.code, caisse.sheets) == (ArlResult.REFUSED, "ARL-CAISSE", {})


def test_a_sheet_number_used_for_other_bytes_is_refused() -> None:
    """ARL-NUMBER-USED names the sheet; the rest of that lot is not kept either."""
    caisse = _caisse()
    assert _send(caisse, *_lot(SHEETS[:1])).result is ArlResult.POSITIVE
    arl = _send(caisse, *_lot((OTHER_SHEET, SHEETS[1]), number=4, file_number=6))
    assert (arl.result, arl.code, arl.sheet) == (ArlResult.REFUSED, "ARL-NUMBER-USED", 7)
    assert (build.BILLER, 8) not in caisse.sheets


def test_the_same_sheet_in_another_lot_is_received_once() -> None:
    """Unchanged sheets of a refused lot go in a new lot: same number, same bytes, no fault."""
    caisse = _caisse()
    _send(caisse, *_lot())
    assert _send(caisse, *_lot(number=4, file_number=6)).result is ArlResult.POSITIVE
    assert len(caisse.sheets) == 2


def test_a_lot_number_used_for_other_bytes_is_refused() -> None:
    """The number of a lot stands for its bytes; the first answer stays the answer to the first."""
    caisse = _caisse()
    first = _send(caisse, *_lot())
    arl = _send(caisse, *_lot(SHEETS[:1]))
    assert (arl.result, arl.code, arl.sheet) == (ArlResult.REFUSED, "ARL-NUMBER-USED", None)
    assert _send(caisse, *_lot()) == first


def test_a_lot_that_comes_again_gets_the_stored_answer() -> None:
    """A repeated lot, positive or refused, is answered with the very bytes of the first answer, whenever it comes."""
    for card in (build.cps("medecin"), build.cps("medecin_sans_droit")):
        caisse, (label, data) = _caisse(), _lot(card=card)
        _, first = _answer(caisse, label, _enveloped(data))
        caisse.clock.move_to(datetime(2025, 3, 7, tzinfo=UTC))  # type: ignore[attr-defined] # a simulated one
        _, again = _answer(caisse, label, _enveloped(data))
        assert again == first


def test_an_altered_lot_is_judged_anew() -> None:
    """No stored answer for altered: each arrival is answered for itself, at its own time."""
    caisse = _caisse()
    first, _ = _answer(caisse, LABEL, b"?")
    caisse.clock.move_to(datetime(2025, 3, 7, tzinfo=UTC))  # type: ignore[attr-defined] # a simulated one
    again, _ = _answer(caisse, LABEL, b"!")
    assert (first.digest, again.digest) == (digest(b"?"), digest(b"!"))
    assert first.received_at < again.received_at


def _other(**changes: Any) -> bytes:  # noqa: ANN401 - fields of any type
    return build.seal(build.example_sheet(number=8, **changes)).encode()


BAD_SHEETS = {
    "seal of a foreign card": (build.seal(build.example_sheet(number=8), professional=_FOREIGN).encode(), "TRUST-"),
    "not a sheet": (b"?", "FILE-FORM"),
    "another number": (SHEETS[0], "LOT-MIXED"),
    "another caisse": (_other(organism=OPALE), "LOT-MIXED"),
    "another mode": (_other(cause=Cause.NO_CARD), "LOT-MIXED"),
    "another specification": (_other(specification="1.31"), "LOT-MIXED"),
}


@pytest.mark.parametrize(("sheet", "rule"), BAD_SHEETS.values(), ids=BAD_SHEETS)
def test_the_fault_of_a_sheet_is_not_the_lots(sheet: bytes, rule: str) -> None:
    """A bad sheet in a good lot: positive, and the sheet is kept with the rule that it breaks, for the return."""
    caisse = _caisse()
    arl = _send(caisse, *_lot((SHEETS[0], sheet)))
    assert (arl.result, arl.sheets) == (ArlResult.POSITIVE, 2)
    kept = caisse.sheets[build.BILLER, 8]
    assert kept.sheet is None
    assert kept.rejection.startswith(rule)
    assert caisse.sheets[build.BILLER, 7].rejection == ""


def test_a_sheet_signed_after_its_receipt_is_rejected() -> None:
    """The clock of the caisse judges the signing time: a sheet from the future is rejected in the return."""
    later = build.seal(build.example_sheet(number=8), at=datetime(2025, 3, 4, 20, tzinfo=UTC)).encode()
    caisse = _caisse()
    _send(caisse, *_lot((SHEETS[0], later)))
    assert caisse.sheets[build.BILLER, 8].rejection == "SEAL-TIME"


def test_the_card_of_the_tests_really_signs_like_the_signer() -> None:
    """A lot signed through the card's own commands is received like the ones above."""
    card = insert(build.cps("medecin"), "medecin")
    assert card.holder.rpps == DOCTOR
    assert TUESDAY.date() == AT.date()
    data = sign_lot(build.example_lot(SHEETS), SHEETS, card.signer, AT)
    assert _send(_caisse(), LABEL, data).result is ArlResult.POSITIVE
