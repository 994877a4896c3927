"""The acknowledgement: from the caisse that it names, whole, and for one lot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fse.arl import Arl, ArlError, ArlResult, sign_arl, verify_arl
from fse.cms import CmsError, make_seal
from fse.errors import FseError
from fse.safe_xml import XmlError
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import ContentChanged, WrongPurpose
from fse.trust import TrustError, TrustStore
from tests.fse.sheet_builders import (
    BILLER,
    CAISSE,
    NOW,
    THEIRS,
    accepted_changes,
    cps,
    example_arl,
    new_pki,
    party,
    seal,
    signer,
    trust,
    trust_files,
)

if TYPE_CHECKING:
    from card_sim.pki import BillingParty

DIGEST = "5e" * 32
ALTERED = {"result": ArlResult.ALTERED, "code": "ARL-ALTERED", "sheets": 0, "digest": DIGEST}
REFUSED = {"result": ArlResult.REFUSED, "code": "TRUST-REVOKED", "sheets": 0, "digest": DIGEST}


def signed(arl: Arl | None = None, by: BillingParty | None = None) -> bytes:
    """Return the acknowledgement signed by the caisse of the tests, or by somebody else."""
    return sign_arl(arl or example_arl(), signer(by or party()), NOW)


@cache
def good() -> SealedFile:
    """Return the parts of a sound acknowledgement."""
    return SealedFile.decode(signed(), FileFormat.ARL)


def refusal(data: bytes, store: TrustStore | None = None) -> FseError:
    """Return why the acknowledgement is not believed."""
    with pytest.raises(FseError) as caught:
        verify_arl(data, store or trust())
    return caught.value


def resealed(payload: bytes, purpose: str = "arl") -> bytes:
    """Return an acknowledgement of other content, properly signed by the caisse."""
    return SealedFile(FileFormat.ARL, payload, (make_seal(payload, signer(party()), NOW, purpose).encode(),)).encode()


@pytest.mark.parametrize("changes", [{}, ALTERED, REFUSED, REFUSED | {"sheet": 7}])
def test_each_answer_arrives_as_it_was_given(changes: dict[str, Any]) -> None:
    """Positive, altered, refused, refused for one sheet."""
    arl = example_arl(**changes)
    assert verify_arl(signed(arl), trust()) == arl


@given(
    st.integers(0, 999_999),
    st.integers(0, 999_999),
    st.datetimes(datetime(2015, 1, 1), datetime(2049, 1, 1)),  # noqa: DTZ001 - hypothesis adds the zone
    st.integers(1, 990),
)
def test_any_positive_answer_arrives_as_it_was_given(lot: int, file: int, at: datetime, sheets: int) -> None:
    """Numbers, counts and the time of receipt, to the second."""
    arl = example_arl(lot_number=lot, file_number=file, received_at=at.replace(tzinfo=UTC), sheets=sheets)
    expected = replace(arl, received_at=arl.received_at.replace(microsecond=0))
    assert verify_arl(signed(arl), trust()) == expected


def test_the_time_of_receipt_is_written_in_utc() -> None:
    """One instant, one writing."""
    paris = NOW.astimezone(timezone(timedelta(hours=1)))
    assert signed(example_arl(received_at=paris)) == signed()
    assert b"<recu_le>2025-03-04T10:00:00Z</recu_le>" in good().payload


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"sheets": 0}, "XML-SCHEMA"),
        ({"code": "ARL-CAISSE"}, "XML-WRITING"),
        (ALTERED | {"code": "ARL-CAISSE"}, "XML-SCHEMA"),
        (ALTERED | {"sheet": 7}, "XML-SCHEMA"),
        (REFUSED | {"code": ""}, "XML-SCHEMA"),
        ({"digest": "5E" * 32}, "XML-SCHEMA"),
    ],
)
def test_an_answer_that_means_nothing_is_not_signed(changes: dict[str, Any], rule: str) -> None:
    """A positive answer counts sheets and gives no code; an altered one says nothing else; a refusal has a reason."""
    with pytest.raises(XmlError) as caught:
        signed(example_arl(**changes))
    assert caught.value.rule.id == rule


@pytest.mark.parametrize("by", [party("019980000"), party(BILLER)])
def test_one_caisse_does_not_answer_for_another(by: BillingParty) -> None:
    """Neither does the biller for himself."""
    error = refusal(signed(by=by))
    assert type(error) is ArlError
    assert (error.rule.id, error.facts) == ("ARL-ISSUER", {"organism": CAISSE})


def test_a_biller_with_the_code_of_the_caisse_is_no_caisse() -> None:
    """The role in the certificate counts, not the code alone."""
    error = refusal(signed(example_arl(organism=BILLER), by=party(BILLER)))
    assert type(error) is ArlError


def test_a_professional_does_not_answer_for_a_caisse() -> None:
    """A card is of another family."""
    error = refusal(sign_arl(example_arl(), signer(cps()), NOW))
    assert type(error) is TrustError
    assert error.rule.id == "TRUST-UNKNOWN"


def test_a_caisse_of_another_infrastructure_is_not_believed() -> None:
    """Equal names, other keys."""
    assert refusal(signed(by=party(CAISSE, THEIRS))).rule.id == "TRUST-UNKNOWN"


def test_a_revoked_caisse_is_not_believed() -> None:
    """From its revocation on."""
    pki = new_pki()
    pki.revoke(party().certificate, NOW)
    assert refusal(signed(), TrustStore.load(trust_files(pki))).rule.id == "TRUST-REVOKED"


def test_a_changed_answer_is_refused() -> None:
    """An altered lot does not become an accepted one on the way."""
    error = refusal(replace(good(), payload=good().payload.replace(b"000003", b"000004")).encode())
    assert type(error) is ContentChanged
    assert error.facts == {"family": "facturation"}


def test_a_signature_by_another_key_is_refused() -> None:
    """The right certificate, and a signature over something else."""
    own, other = (make_seal(content, signer(party()), NOW, "arl") for content in (good().payload, b"x"))
    wrong = replace(own, signature=other.signature).encode()
    error = refusal(replace(good(), seals=(wrong,)).encode())
    assert type(error) is CmsError
    assert error.rule.id == "SEAL-SIGNATURE"


@pytest.mark.parametrize("purpose", ["lot", "feuille:securise", ""])
def test_a_signature_for_something_else_is_no_acknowledgement(purpose: str) -> None:
    """What a caisse signs for another purpose is no answer."""
    error = refusal(resealed(good().payload, purpose))
    assert type(error) is WrongPurpose


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"><organisme>", b"> <organisme>", "XML-WRITING"),
        (b"</arl>", b"<!-- x --></arl>", "XML-WRITING"),
        (b"2025-03-04T10:00:00Z", b"2025-03-04T24:00:00Z", "XML-WRITING"),
        (b'feuilles="2"', b'feuilles="02"', "XML-WRITING"),
        (b'feuilles="2"', b'feuilles="0"', "XML-SCHEMA"),
        (b"SIMULATION", b"REEL", "XML-SCHEMA"),
    ],
)
def test_another_writing_is_refused_by_its_name(old: bytes, new: bytes, rule: str) -> None:
    """Even a caisse has one writing only; what is wrong goes to quarantine under a rule, never as a crash."""
    assert old in good().payload
    error = refusal(resealed(good().payload.replace(old, new)))
    assert error.rule.id == rule


def test_what_is_not_an_acknowledgement_is_refused() -> None:
    """One seal, no parts, the right name."""
    for data in (
        b"",
        seal().encode(),
        replace(good(), seals=()).encode(),
        replace(good(), seals=good().seals * 2).encode(),
        replace(good(), parts=(b"",)).encode(),
    ):
        error = refusal(data)
        assert type(error) is FileError
        assert (error.rule.id, error.facts) == ("FILE-FORM", {"expected": "FSE-SIM arl 1"})


def judge(data: bytes) -> None:
    """Verify an acknowledgement as the gateway does."""
    verify_arl(data, trust())


def test_a_changed_bit_is_refused() -> None:
    """A thousand single-bit changes, chosen once for all: none passes."""
    data = signed()
    sample = Random("bits of an arl").sample(range(8 * len(data)), 1000)  # noqa: S311 - a sample, not a secret
    assert accepted_changes(data, sample, judge) == []


@pytest.mark.long
def test_every_changed_bit_is_refused() -> None:
    """Every single-bit change of one acknowledgement."""
    data = signed()
    assert accepted_changes(data, range(8 * len(data)), judge) == []
