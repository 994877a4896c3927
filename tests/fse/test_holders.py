"""What certificates say of their holders."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from card_sim.vitale import family_data
from fse.holders import ApcvRights, BillingParty, CpsEntitlement, Holder, HolderError, VitaleHolders
from tests.fse.sheet_builders import BILLER, CAISSE, NOW, cps, new_pki, party, vitale

ARC = "2.25.211780421374440933141047428433180243861"


def test_a_cps_says_who_may_sign_what_and_where() -> None:
    """RPPS, profession, places of exercise and the two rights, as the card was issued."""
    assert CpsEntitlement.of(cps().certificate) == CpsEntitlement(
        "99700000013", "medecin", ("629990003",), signs_sheet=True, signs_lot=True
    )
    powerless = CpsEntitlement.of(cps("medecin_sans_droit").certificate)
    assert (powerless.signs_sheet, powerless.signs_lot) == (False, False)


def test_a_vitale_says_whom_it_covers() -> None:
    """The insured first, then the others, with their own number when the card has it."""
    assert VitaleHolders.of(vitale("specimen").certificate) == VitaleHolders(
        "990000000007",
        "2860162041994",
        (
            Holder(date(1986, 1, 30), 1, "2860162041994"),
            Holder(date(1984, 7, 14), 1, "1840762041994"),
            Holder(date(2021, 2, 15), 1, "2210262041996"),
        ),
    )
    twins = VitaleHolders.of(vitale("imaginaire").certificate).holders[1:]
    assert twins == (Holder(date(2020, 2, 10), 1, None), Holder(date(2020, 2, 10), 2, None))


def test_billing_parties_say_their_role_and_code() -> None:
    """A caisse is not a biller, even when the code is the same."""
    assert BillingParty.of(party().certificate) == BillingParty("caisse", CAISSE)
    assert BillingParty.of(party(BILLER).certificate) == BillingParty("biller", BILLER)


def test_only_the_token_of_a_telephone_binds_rights() -> None:
    """A card's certificate is no token; a token binds the SHA-256 of the data beside it."""
    assert ApcvRights.of(vitale().certificate) is None
    token = new_pki().issue_apcv(vitale().profile, NOW, NOW + timedelta(minutes=15)).certificate
    assert ApcvRights.of(token) == ApcvRights(sha256(family_data(vitale().profile)).digest())


@pytest.mark.parametrize("kind", [CpsEntitlement, VitaleHolders, BillingParty])
def test_a_certificate_of_another_family_says_nothing(kind: Any) -> None:  # noqa: ANN401 - one of three classes
    """A holder is read from the extension of his own family only."""
    with pytest.raises(HolderError) as caught:
        kind.of(party().issuer_certificate)
    assert caught.value.rule.id == "HOLDER-FORM"


@pytest.mark.parametrize(
    ("kind", "number", "value"),
    [
        pytest.param(ApcvRights, 6, b"\x30\x00", id="token of nothing"),
        pytest.param(CpsEntitlement, 3, b"", id="empty"),
        pytest.param(CpsEntitlement, 3, bytes.fromhex("3000"), id="no item"),
        pytest.param(CpsEntitlement, 3, bytes.fromhex("3003 1301ff"), id="not ASCII"),
        pytest.param(BillingParty, 5, bytes.fromhex("3004 13024142"), id="one item of two"),
        pytest.param(BillingParty, 5, bytes.fromhex("3080 130141 130142 0000"), id="BER"),
        pytest.param(
            VitaleHolders,
            4,
            bytes.fromhex("3019 130131 130132 3011 300f 130a") + b"2021-02-30" + bytes.fromhex("020101"),
            id="no such day",
        ),
    ],
)
def test_an_extension_of_another_form_is_refused(kind: Any, number: int, value: bytes) -> None:  # noqa: ANN401 - a class
    """What an authority of ours would not have written is not interpreted."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(f"{ARC}.{number}"), value)
    certificate = builder.add_extension(extension, critical=False).sign(key, SHA256())
    with pytest.raises(HolderError) as caught:
        kind.of(certificate)
    assert caught.value.rule.id == "HOLDER-FORM"
