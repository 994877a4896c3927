"""When a sheet was signed, what the signatures were for, and what they may stand on; every changed bit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest

from fse.cms import make_seal
from fse.sealed_file import FileError, FileFormat, SealedFile
from fse.seals import SigningTimeWrong, WrongPurpose, seal_as_professional, verify_sheet
from fse.sheet import Cause
from fse.sheet_xml import write_sheet
from tests.fse.sheet_builders import (
    LATER,
    NOW,
    TODAY,
    accepted_changes,
    cps,
    degraded,
    example_sheet,
    refusal,
    seal,
    secured,
    signer,
    trust,
    vitale,
)

if TYPE_CHECKING:
    from fse.sheet import Sheet


# --------------------------------------------------------------------------------------------------------------- time


def test_signing_times_follow_the_acts() -> None:
    """Not before the day of the last act, a day being a day in France."""
    first_second = datetime(2025, 3, 3, 23, 0, tzinfo=UTC)
    verify_sheet(seal(at=first_second).encode(), trust(), LATER)
    error = refusal(seal(at=first_second - timedelta(seconds=1)))
    assert type(error) is SigningTimeWrong
    assert error.rule.id == "SEAL-TIME"
    assert error.facts["last_act"] == TODAY


@pytest.mark.parametrize("cause", [None, Cause.HARDWARE])
def test_signing_times_precede_the_receipt(cause: Cause | None) -> None:
    """A signature of tomorrow is refused; one of this very second is not."""
    sealed = seal(example_sheet(cause))
    verify_sheet(sealed.encode(), trust(), NOW)
    assert type(refusal(sealed, received=NOW - timedelta(seconds=1))) is SigningTimeWrong


def test_the_patient_signs_first() -> None:
    """The professional binds a seal that exists: the patient's time is his own or earlier."""
    verify_sheet(seal(patient_at=NOW - timedelta(minutes=5)).encode(), trust(), LATER)
    assert type(refusal(seal(patient_at=NOW + timedelta(seconds=1)))) is SigningTimeWrong


def test_the_patients_time_follows_the_acts_too() -> None:
    """A patient does not sign on the eve for acts that are still to be done."""
    assert type(refusal(seal(patient_at=NOW - timedelta(days=1)))) is SigningTimeWrong


# ----------------------------------------------------------------------------------------------------------- purposes


@pytest.mark.parametrize("purpose", ["lot", "arl", "beneficiaire", "", "feuilles:securise"])
def test_a_signature_for_something_else_is_no_sheets(purpose: str) -> None:
    """A card that signed a lot over these bytes has not signed a sheet."""
    error = refusal(seal_as_professional(degraded().payload, signer(cps()), NOW, purpose, None))
    assert type(error) is WrongPurpose
    assert (error.rule.id, error.facts) == ("SEAL-PURPOSE", {"purpose": purpose})


def test_a_patients_signature_for_something_else_is_refused() -> None:
    """The patient's seal says what it is too."""
    patient = make_seal(secured().payload, signer(vitale()), NOW, "feuille:securise").encode()
    error = refusal(seal_as_professional(secured().payload, signer(cps()), NOW, "feuille:securise", patient))
    assert type(error) is WrongPurpose


# ------------------------------------------------------------------------------------------------- contents and files


def test_a_signed_content_that_is_no_sheet_is_refused() -> None:
    """A good signature does not make a sheet of other bytes: each fault keeps its own rule."""
    written = write_sheet(example_sheet(Cause.NO_CARD))
    for payload, rule in (
        (b"<a/>", "SHEET-VERSION"),
        (written.replace(b"<titre>I<", b"<titre>III<"), "XML-SCHEMA"),
        (written.replace(b"><numero_fse>", b"> <numero_fse>"), "XML-WRITING"),
        (written.replace(b"<montant_amo>3500<", b"<montant_amo>3501<"), "XML-WRITING"),
        (written.replace(b"<date_depart_delai>2025-03-04", b"<date_depart_delai>2025-03-03"), "SHEET-DATES"),
        (written.replace(b"99700000013", b"99700000014"), "RPPS-KEY"),
    ):
        error = refusal(seal_as_professional(payload, signer(cps()), NOW, "feuille:degrade:sans-carte", None))
        assert error.rule.id == rule
        assert not isinstance(error, FileError)


def test_what_is_not_a_sheet_has_an_error_of_its_own() -> None:
    """`fse verify` answers 2 and not 1: no seal was judged."""
    professional = degraded().professional
    lot_like = SealedFile(FileFormat.LOT, degraded().payload, (professional,))
    for data in (
        b"",
        b"PK\x03\x04",
        degraded().payload,
        professional,
        lot_like.encode(),
        secured().encode() + b"\n",
        SealedFile(FileFormat.SHEET, degraded().payload, ()).encode(),
        SealedFile(FileFormat.SHEET, degraded().payload, (professional,) * 3).encode(),
        SealedFile(FileFormat.SHEET, degraded().payload, (professional,), (b"",)).encode(),
    ):
        error = refusal(data)
        assert type(error) is FileError
        assert (error.rule.id, error.facts) == ("FILE-FORM", {"expected": "FSE-SIM feuille 1"})


# ---------------------------------------------------------------------------------------------------------------- bits


def bits_of(sheet: Sheet) -> tuple[bytes, range]:
    """Return the sealed file of ``sheet`` and the positions of all its bits."""
    data = seal(sheet).encode()
    return data, range(8 * len(data))


def judge(data: bytes) -> None:
    """Verify a sheet as a caisse does."""
    verify_sheet(data, trust(), LATER)


@pytest.mark.parametrize("cause", [None, Cause.NO_CARD])
def test_a_changed_bit_is_refused(cause: Cause | None) -> None:
    """A thousand single-bit changes of each kind of sheet, chosen once for all: none passes."""
    data, bits = bits_of(example_sheet(cause))
    judge(data)
    sample = Random("bits of a sheet").sample(bits, 1000)  # noqa: S311 - a sample, not a secret
    assert accepted_changes(data, sample, judge) == []


@pytest.mark.long
@pytest.mark.parametrize("cause", [None, Cause.NO_CARD])
def test_every_changed_bit_is_refused(cause: Cause | None) -> None:
    """Every single-bit change of one sheet of each kind."""
    data, bits = bits_of(example_sheet(cause))
    assert accepted_changes(data, bits, judge) == []
