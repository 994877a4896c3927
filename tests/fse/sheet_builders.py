"""Cards, sheets, seals and trust for the tests: one seeded infrastructure, made once in each process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet
from fse.arl import Arl, ArlResult
from fse.cms import Signer
from fse.errors import FseError
from fse.identifiers import Nir
from fse.lot import Lot, digest
from fse.seals import SealedSheet, seal_as_patient, seal_as_professional, verify_sheet
from fse.sheet import Beneficiary, Cause, Illness, Line, Mode, Professional, Sheet
from fse.sheet_xml import write_sheet
from fse.trust import TrustStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from card_sim.cps import CpsCard
    from card_sim.pki import BillingParty
    from card_sim.vitale import VitaleCard

NOW = datetime(2025, 3, 4, 10, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=3)
TODAY = date(2025, 3, 4)
CAISSE = "019990000"
BILLER = "629990011"

OURS, THEIRS = "seals", "an infrastructure of somebody else, with the same names"
"""The seeds of two infrastructures."""


def new_pki(seed: str = OURS) -> TestPki:
    """Return the infrastructure of ``seed``, without any card yet; revoking in it changes no other test."""
    return TestPki.create(SeededRandomness(seed), now=NOW)


@cache
def cps(name: str = "medecin", seed: str = OURS) -> CpsCard:
    """Return the CPS of the wallet's professional ``name``."""
    return new_pki(seed).issue_cps(demo_wallet().cps[name])


@cache
def vitale(name: str = "dutest", seed: str = OURS) -> VitaleCard:
    """Return the Vitale of the wallet's family ``name``."""
    return new_pki(seed).issue_vitale(demo_wallet().vitale[name])


@cache
def party(code: str = CAISSE, seed: str = OURS) -> BillingParty:
    """Return the biller of the tests, or the caisse ``code``."""
    return new_pki(seed).issue_billing_party("biller" if code == BILLER else "caisse", code, "simulée")


def signer(one: CpsCard | VitaleCard | BillingParty) -> Signer:
    """Return what signs with the key of ``one``, without the detour by its commands."""
    key = one.private_key

    def sign(found: bytes) -> bytes:
        if isinstance(key, RSAPrivateKey):
            return key.sign(found, padding.PKCS1v15(), Prehashed(SHA256()))
        return key.sign(found, ec.ECDSA(Prehashed(SHA256()), deterministic_signing=True))

    return Signer(one.certificate.public_bytes(Encoding.DER), one.issuer_certificate.public_bytes(Encoding.DER), sign)


def trust_files(pki: TestPki) -> dict[str, bytes]:
    """Return the files of the trust folder of ``pki``, by name."""
    with TemporaryDirectory() as folder:
        inside = Path(folder) / "trust"
        pki.export_trust(inside)
        return {found.relative_to(inside).as_posix(): found.read_bytes() for found in inside.rglob("*.pem")}


@cache
def trust(seed: str = OURS) -> TrustStore:
    """Return the store that believes the infrastructure of ``seed``, nobody in it being revoked."""
    return TrustStore.load(trust_files(new_pki(seed)))


def example_sheet(cause: Cause | None = None, **changes: Any) -> Sheet:  # noqa: ANN401 - items of any type
    """Return the sheet of one child examination: Emma, covered by the card of her father, seen by the doctor."""
    sheet = Sheet(
        number=7,
        drawn_up_on=TODAY,
        order=1,
        delay_from=TODAY,
        specification="1.40",
        mode=Mode(cause),
        titre="I",
        insured=Nir.parse("185036204199978"),
        beneficiary=Beneficiary(birth_date=date(2021, 5, 2), birth_rank=1),
        organism=CAISSE,
        professional=Professional("99700000013", "MODELE", "Camille", "medecin", "629990003", BILLER),
        cover=Illness("3"),
        lines=(Line(on=TODAY, code="COD", fee_cents=3500, rate_percent=100, amo_cents=3500),),
    )
    return replace(sheet, **changes)


def seal(
    sheet: Sheet | None = None,
    *,
    professional: CpsCard | None = None,
    patient: VitaleCard | None = None,
    at: datetime = NOW,
    patient_at: datetime | None = None,
    purpose: str | None = None,
) -> SealedSheet:
    """Return ``sheet`` (the example) sealed as its mode asks, or as the changes given ask."""
    sheet = sheet or example_sheet()
    payload = write_sheet(sheet)
    purpose = purpose or sheet.mode.purpose
    first = None
    if purpose == "feuille:securise":
        first = seal_as_patient(payload, signer(patient or vitale()), patient_at or at)
    return seal_as_professional(payload, signer(professional or cps()), at, purpose, first)


def refusal(sealed: SealedSheet | bytes, store: TrustStore | None = None, received: datetime = LATER) -> FseError:
    """Return why the sheet is refused."""
    data = sealed if isinstance(sealed, bytes) else sealed.encode()
    with pytest.raises(FseError) as caught:
        verify_sheet(data, store or trust(), received)
    return caught.value


@cache
def secured() -> SealedSheet:
    """Return a sound secured sheet."""
    return seal()


@cache
def degraded() -> SealedSheet:
    """Return a sound degraded sheet."""
    return seal(example_sheet(Cause.NO_CARD))


def example_lot(sheets: Iterable[bytes], **changes: Any) -> Lot:  # noqa: ANN401 - items of any type
    """Return the manifest of ``sheets``, numbered from 7 on."""
    lot = Lot(
        number=3,
        file_number=5,
        day=TODAY,
        biller=BILLER,
        organism=CAISSE,
        mode="securise",
        specification="1.40",
        sheets=tuple((number, digest(data)) for number, data in enumerate(sheets, start=7)),
    )
    return replace(lot, **changes)


def example_arl(**changes: Any) -> Arl:  # noqa: ANN401 - items of any type
    """Return a positive acknowledgement."""
    arl = Arl(
        organism=CAISSE,
        biller=BILLER,
        file_number=5,
        lot_number=3,
        received_at=NOW,
        result=ArlResult.POSITIVE,
        digest="0" * 64,
        sheets=2,
    )
    return replace(arl, **changes)


def accepted_changes(
    data: bytes, bits: Iterable[int], judge: Callable[[bytes], object], refusal: type[FseError] = FseError
) -> list[int]:
    """Return those of ``bits`` (positions in ``data``) that, flipped, ``judge`` does not refuse with ``refusal``."""
    accepted = []
    for bit in bits:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            judge(bytes(changed))
        except refusal:
            continue
        accepted.append(bit)
    return accepted
