"""The signed lot: whole, or altered with one and the same answer; then its signer is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from fse.cms import Seal, make_seal
from fse.errors import FseError
from fse.holders import CpsEntitlement
from fse.lot import MAX_SHEETS, Lot, LotAltered, check_signer, digest, open_lot, sign_lot
from fse.safe_xml import XmlError
from fse.sealed_file import MAX_FILE_BYTES, FileFormat, SealedFile
from fse.seals import NotEntitled
from fse.trust import TrustStore
from tests.fse.sheet_builders import (
    BILLER,
    CAISSE,
    NOW,
    THEIRS,
    TODAY,
    accepted_changes,
    cps,
    example_lot,
    example_sheet,
    new_pki,
    party,
    seal,
    signer,
    trust,
    trust_files,
    vitale,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from fse.cms import Signer

SHEETS = (b"one sheet", b"another sheet")


def signed(sheets: tuple[bytes, ...] = SHEETS, card: Signer | None = None) -> bytes:
    """Return a lot of ``sheets``."""
    return sign_lot(example_lot(sheets), sheets, card or signer(cps()), NOW)


@cache
def good() -> SealedFile:
    """Return the parts of a sound lot."""
    return SealedFile.decode(signed(), FileFormat.LOT)


def test_a_lot_arrives_as_it_was_sent() -> None:
    """Manifest, sheets by number and signer come out of the bytes; the signer may sign lots."""
    found = open_lot(signed())
    assert found.lot == example_lot(SHEETS)
    assert found.sheets == {7: SHEETS[0], 8: SHEETS[1]}
    assert check_signer(found, trust()) == CpsEntitlement.of(cps().certificate)


numbers = st.integers(0, 999_999)
lots = st.builds(
    Lot,
    number=numbers,
    file_number=numbers,
    day=st.dates(),
    biller=st.sampled_from([BILLER, "2A0002689"]),
    organism=st.from_regex("[0-9]{9}", fullmatch=True),
    mode=st.sampled_from(["securise", "degrade"]),
    specification=st.from_regex("[A-Za-z0-9.-]{1,20}", fullmatch=True),
    sheets=st.just(()),
)


@given(lots, st.dictionaries(st.integers(0, 999_999_999), st.binary(max_size=20), min_size=1, max_size=5))
def test_any_lot_arrives_as_it_was_sent(empty: Lot, sheets: dict[int, bytes]) -> None:
    """Every item of a manifest survives the way through bytes."""
    lot = replace(empty, sheets=tuple((number, digest(data)) for number, data in sheets.items()))
    found = open_lot(sign_lot(lot, sheets.values(), signer(vitale()), NOW))
    assert (found.lot, found.sheets) == (lot, sheets)


@pytest.mark.parametrize(
    "changes",
    [
        {"number": 1_000_000},
        {"mode": "anonyme"},
        {"organism": "01999000"},
        {"biller": "62999001"},
        {"specification": ""},
        {"sheets": ()},
        {"sheets": ((7, "0" * 63),)},
        {"sheets": tuple((number, "0" * 64) for number in range(MAX_SHEETS + 1))},
    ],
)
def test_a_manifest_outside_the_schema_is_not_signed(changes: dict[str, Any]) -> None:
    """What no caisse could read leaves no card a signature to regret."""

    def sign(_: bytes) -> bytes:
        raise AssertionError

    with pytest.raises(XmlError) as caught:
        sign_lot(replace(example_lot(SHEETS), **changes), SHEETS, replace(signer(cps()), sign=sign), NOW)
    assert caught.value.rule.id == "XML-SCHEMA"


def changed(**parts: Any) -> bytes:  # noqa: ANN401 - parts of any type
    """Return the sound lot with other parts, its signature as it was."""
    return replace(good(), **parts).encode()


def resealed(payload: bytes, purpose: str = "lot") -> bytes:
    """Return a lot with another manifest, properly signed."""
    return changed(payload=payload, seals=(make_seal(payload, signer(cps()), NOW, purpose).encode(),))


def wrong_signature() -> bytes:
    """Return the seal of the sound lot with the signature of another document."""
    own, other = Seal.decode(good().seals[0]), make_seal(b"x", signer(cps()), NOW, "lot")
    return replace(own, signature=other.signature).encode()


def altered_lots() -> dict[str, Callable[[], bytes]]:
    """Return what can happen to a lot on its way, or be sent instead of one."""
    payload = good().payload
    same = digest(SHEETS[0]).encode()
    return {
        "nothing": lambda: b"",
        "not a lot": lambda: b"<lot/>",
        "too large": lambda: bytes(MAX_FILE_BYTES + 1),
        "a sheet": lambda: seal().encode(),
        "cut": lambda: signed()[:-1],
        "no seal": lambda: changed(seals=()),
        "two seals": lambda: changed(seals=good().seals * 2),
        "seal of another form": lambda: changed(seals=(b"\x30\x00",)),
        "signature of another document": lambda: changed(seals=(wrong_signature(),)),
        "manifest changed": lambda: changed(payload=payload.replace(b"000003", b"000004")),
        "sheet changed": lambda: changed(parts=(SHEETS[0], b"something else")),
        "sheet missing": lambda: changed(parts=SHEETS[:1]),
        "sheet too many": lambda: changed(parts=(*SHEETS, b"")),
        "sheets in another order": lambda: changed(parts=SHEETS[::-1]),
        "a sheet's seal as the lot's": lambda: resealed(payload, "feuille:securise"),
        "a caisse's seal as the lot's": lambda: resealed(payload, "arl"),
        "not XML": lambda: resealed(b"FSE"),
        "outside the schema": lambda: resealed(payload.replace(b"securise", b"anonyme")),
        "another writing": lambda: resealed(payload.replace(b"><numero_lot>", b"> <numero_lot>")),
        "no such date": lambda: resealed(payload.replace(b"2025-03-04", b" 2025-03-04")),
        "a number twice": lambda: resealed(payload.replace(b"000000008", b"000000007")),
        "a sheet twice": lambda: changed(
            payload=payload.replace(digest(SHEETS[1]).encode(), same), parts=(SHEETS[0], SHEETS[0])
        ),
    }


@pytest.mark.parametrize("name", altered_lots())
def test_whatever_happened_the_answer_is_the_same(name: str) -> None:
    """Whoever alters lots learns nothing from the answers: one error, no fact, no cause."""
    with pytest.raises(LotAltered) as caught:
        open_lot(altered_lots()[name]())
    error = caught.value
    assert (type(error), error.rule.id, error.facts) == (LotAltered, "ARL-ALTERED", {})
    assert error.__cause__ is None
    assert error.__suppress_context__ or error.__context__ is None


def test_the_lots_above_are_altered_by_what_their_names_say() -> None:
    """The same detour without a change gives a sound lot."""
    assert open_lot(changed()) == open_lot(signed())
    assert open_lot(resealed(good().payload)).lot == example_lot(SHEETS)


def refusal(data: bytes, store: TrustStore | None = None) -> FseError:
    """Return why the signer of a whole lot is refused."""
    found = open_lot(data)
    with pytest.raises(FseError) as caught:
        check_signer(found, store or trust())
    return caught.value


def test_a_card_without_the_right_signs_no_lot() -> None:
    """The right to sign lots is separate from the right to sign sheets."""
    error = refusal(signed(card=signer(cps("medecin_sans_droit"))))
    assert type(error) is NotEntitled
    assert (error.rule.id, error.facts) == ("SEAL-ENTITLEMENT", {"what": "lot"})


@pytest.mark.parametrize("card", [vitale(), party(), cps("medecin", THEIRS)])
def test_who_is_no_professional_of_ours_signs_no_lot(card: Any) -> None:  # noqa: ANN401 - any holder
    """A patient's card, a caisse, or the same names in another infrastructure."""
    assert refusal(signed(card=signer(card))).rule.id == "TRUST-UNKNOWN"


def test_a_revoked_card_signs_no_more_lots() -> None:
    """The lot is whole: it is refused, not altered."""
    pki = new_pki()
    pki.revoke(cps().certificate, NOW - timedelta(days=1))
    assert refusal(signed(), TrustStore.load(trust_files(pki))).rule.id == "TRUST-REVOKED"


def test_the_manifest_lists_what_travels() -> None:
    """What a caisse reads, in the words of the schema, by another parser's eyes."""
    root = etree.fromstring(good().payload)
    items = {etree.QName(one).localname: one.text for one in root if one.text}
    assert items == {
        "mention": "SIMULATION - NON HOMOLOGUE",
        "numero_lot": "000003",
        "numero_fichier": "000005",
        "date_lot": TODAY.isoformat(),
        "facturier": BILLER,
        "organisme": CAISSE,
        "mode": "securise",
        "cahier_des_charges": "1.40",
    }
    assert [dict(one.attrib) for one in root if not one.text] == [
        {"numero": "000000007", "sha256": digest(SHEETS[0])},
        {"numero": "000000008", "sha256": digest(SHEETS[1])},
    ]


@cache
def real_lot() -> bytes:
    """Return a lot of two real sheets."""
    return signed((seal().encode(), seal(example_sheet(number=8)).encode()))


def test_a_changed_bit_is_an_altered_lot() -> None:
    """A thousand single-bit changes, chosen once for all: none passes, each is LotAltered."""
    sample = Random("bits of a lot").sample(range(8 * len(real_lot())), 1000)  # noqa: S311 - a sample, not a secret

    assert accepted_changes(real_lot(), sample, open_lot, LotAltered) == []


@pytest.mark.long
def test_every_changed_bit_is_an_altered_lot() -> None:
    """Every single-bit change of one lot."""
    assert accepted_changes(real_lot(), range(8 * len(real_lot())), open_lot, LotAltered) == []
