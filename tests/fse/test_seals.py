"""The two seals of a sheet: what holds, and each way of not holding, by its own error."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from fse.cms import CmsError, Seal, make_seal
from fse.holders import CpsEntitlement, VitaleHolders
from fse.identifiers import Nir
from fse.seals import (
    BeneficiarySealForeign,
    BeneficiarySealMissing,
    BeneficiarySealUnexpected,
    ContentChanged,
    ModeChanged,
    NotEntitled,
    WrongPatient,
    WrongProfessional,
    check_patient,
    check_professional,
    open_sheet,
    seal_as_patient,
    seal_as_professional,
    verify_sheet,
)
from fse.sheet import Beneficiary, Cause
from fse.sheet_xml import write_sheet
from fse.trust import TrustError, TrustStore
from tests.fse.sheet_builders import (
    LATER,
    NOW,
    THEIRS,
    cps,
    degraded,
    example_sheet,
    new_pki,
    party,
    refusal,
    seal,
    secured,
    signer,
    trust,
    trust_files,
    vitale,
)


def test_a_secured_sheet_holds() -> None:
    """Both cards signed: the sheet, who signed and when, come out."""
    found = verify_sheet(secured().encode(), trust(), LATER)
    assert found.sheet == example_sheet()
    assert found.professional == CpsEntitlement(
        "99700000013", "medecin", ("629990003",), signs_sheet=True, signs_lot=True
    )
    assert found.patient == VitaleHolders.of(vitale().certificate)
    assert found.signed_at == NOW


@pytest.mark.parametrize("cause", Cause)
def test_a_degraded_sheet_holds(cause: Cause) -> None:
    """The professional's card alone, for each cause of the protocol (art. 6) and of our policy."""
    sealed = seal(example_sheet(cause))
    assert sealed.patient is None
    found = verify_sheet(sealed.encode(), trust(), LATER)
    assert (found.sheet.mode.cause, found.patient) == (cause, None)


def test_a_file_is_taken_apart_as_it_was_made() -> None:
    """The seals stand in the order in which the cards signed: the patient first."""
    assert open_sheet(secured().encode()) == secured()
    assert open_sheet(degraded().encode()) == degraded()


# ------------------------------------------------------------------------------------------------ content and seals


def test_a_changed_content_is_refused() -> None:
    """One cent more, and no seal holds."""
    changed = replace(secured(), payload=secured().payload.replace(b"3500", b"3600"))
    assert changed.payload != secured().payload
    error = refusal(changed)
    assert type(error) is ContentChanged
    assert (error.rule.id, error.facts) == ("SEAL-CONTENT", {"family": "cps"})


def test_another_mode_in_the_content_of_a_signed_sheet_is_a_changed_content() -> None:
    """The mode cannot be rewritten after the signatures: it is content too."""
    payload = secured().payload.replace(b"<securise></securise>", b"<degrade>sans-carte</degrade>")
    assert payload == degraded().payload
    assert type(refusal(replace(secured(), payload=payload))) is ContentChanged


def test_a_patients_seal_over_another_content_is_refused() -> None:
    """Even when the professional bound it: the patient signs this sheet, not another."""
    payload, other = secured().payload, write_sheet(example_sheet(number=8))
    patient = seal_as_patient(other, signer(vitale()), NOW)
    error = refusal(seal_as_professional(payload, signer(cps()), NOW, "feuille:securise", patient))
    assert type(error) is ContentChanged
    assert error.facts == {"family": "vitale"}


def test_a_removed_patients_seal_is_missed() -> None:
    """A secured sheet does not become degraded by losing a signature."""
    error = refusal(replace(secured(), patient=None))
    assert type(error) is BeneficiarySealMissing
    assert error.rule.id == "SEAL-VITALE-MISSING"


def test_a_patients_seal_from_another_sheet_is_refused() -> None:
    """The professional signed the digest of one seal of the patient, and of no other."""
    error = refusal(replace(secured(), patient=seal(example_sheet(number=8)).patient))
    assert type(error) is BeneficiarySealForeign
    assert error.rule.id == "SEAL-VITALE-FOREIGN"


def test_a_second_good_seal_of_the_same_patient_is_refused() -> None:
    """Same card, same content, one minute later: still not the seal that the professional bound."""
    again = seal_as_patient(secured().payload, signer(vitale()), NOW - timedelta(minutes=1))
    assert type(refusal(replace(secured(), patient=again))) is BeneficiarySealForeign


def test_an_ecdsa_signature_has_a_twin_that_is_refused() -> None:
    """(r, n - s) verifies as well as (r, s): the digest of the whole seal tells them apart."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256, FIPS 186-5
    original = Seal.decode(secured().patient or b"")
    r, s = decode_dss_signature(original.signature)
    twin = replace(original, signature=encode_dss_signature(r, order - s))
    Seal.decode(twin.encode()).check_signature()  # it does verify
    assert type(refusal(replace(secured(), patient=twin.encode()))) is BeneficiarySealForeign


@pytest.mark.parametrize("which", ["patient", "professional"])
def test_a_seal_with_the_signature_of_another_document_is_refused(which: str) -> None:
    """A signature by the right key over other attributes."""
    payload = secured().payload
    card = signer(vitale() if which == "patient" else cps())
    own, other = make_seal(payload, card, NOW, "beneficiaire"), make_seal(b"other", card, NOW, "beneficiaire")
    wrong = replace(own, signature=other.signature).encode()
    sealed = (
        seal_as_professional(payload, signer(cps()), NOW, "feuille:securise", wrong)
        if which == "patient"
        else replace(secured(), professional=wrong)
    )
    error = refusal(sealed)
    assert type(error) is CmsError
    assert error.rule.id == "SEAL-SIGNATURE"


def test_a_degraded_sheet_carries_no_patients_seal() -> None:
    """Protocol art. 6: the professional's card alone; a Vitale one is an error, added or bound."""
    patient = seal_as_patient(degraded().payload, signer(vitale()), NOW)
    added = replace(degraded(), patient=patient)
    bound = seal_as_professional(degraded().payload, signer(cps()), NOW, "feuille:degrade:sans-carte", patient)
    for sealed in (added, bound, replace(bound, patient=None)):
        error = refusal(sealed)
        assert type(error) is BeneficiarySealUnexpected
        assert error.rule.id == "SEAL-VITALE-UNEXPECTED"


@pytest.mark.parametrize(
    ("written", "signed"),
    [
        (None, "feuille:degrade:sans-carte"),
        (Cause.NO_CARD, "feuille:securise"),
        (Cause.NO_CARD, "feuille:degrade:materiel"),
        (Cause.NO_CARD, "feuille:degrade"),
        (None, "feuille:"),
    ],
)
def test_the_mode_written_is_the_mode_signed(written: Cause | None, signed: str) -> None:
    """Both directions, and the cause: whoever draws up the sheet cannot say one thing and have another signed."""
    error = refusal(seal(example_sheet(written), purpose=signed))
    assert type(error) is ModeChanged
    assert error.rule.id == "SEAL-MODE"
    assert error.facts["signed"] == signed


# ------------------------------------------------------------------------------------------------------------ signers


def test_another_professional_does_not_sign_for_his_colleague() -> None:
    """A valid card, entitled, of the same centre: not the professional of the sheet."""
    error = refusal(seal(professional=cps("sage_femme")))
    assert type(error) is WrongProfessional
    assert (error.rule.id, error.facts) == ("SEAL-PROFESSIONAL", {"rpps": "99700000013", "structure": "629990003"})


@pytest.mark.parametrize("changes", [{"structure": "629990011"}, {"profession": "sage-femme"}])
def test_the_card_says_the_structure_and_the_profession_too(changes: dict[str, str]) -> None:
    """The right person in another place, or in another quality (CSS R161-42, 2°)."""
    sheet = example_sheet()
    other = replace(sheet, professional=replace(sheet.professional, **changes))
    assert type(refusal(seal(other))) is WrongProfessional


def test_a_card_without_the_right_to_sign_sheets_signs_none() -> None:
    """The holder's own sheet, a valid card, and no right on it."""
    sheet = example_sheet()
    own = replace(sheet, professional=replace(sheet.professional, rpps="99700000039", family_name="SANSDROIT"))
    error = refusal(seal(own, professional=cps("medecin_sans_droit")))
    assert type(error) is NotEntitled
    assert (error.rule.id, error.facts) == ("SEAL-ENTITLEMENT", {"what": "feuille"})


NOBODY = Beneficiary(birth_date=date(2021, 5, 3), birth_rank=1)


@pytest.mark.parametrize(
    ("family", "insured", "beneficiary", "covered"),
    [
        ("dutest", "185036204199978", None, True),
        ("dutest", "185036204199978", Beneficiary(birth_date=date(2021, 5, 2), birth_rank=1), True),
        ("dutest", "185036204199978", Beneficiary(birth_date=date(2021, 5, 2), birth_rank=2), False),
        ("dutest", "185036204199978", NOBODY, False),
        ("dutest", "290076204199842", None, False),
        ("imaginaire", "289086204199513", Beneficiary(birth_date=date(2020, 2, 10), birth_rank=2), True),
        ("imaginaire", "289086204199513", Beneficiary(birth_date=date(2020, 2, 10), birth_rank=3), False),
        ("specimen", "286016204199449", Beneficiary(nir=Nir.parse("221026204199647")), True),
        ("specimen", "286016204199449", Beneficiary(nir=Nir.parse("290076204199842")), False),
        ("specimen", "290076204199842", Beneficiary(nir=Nir.parse("221026204199647")), False),
    ],
)
def test_a_vitale_covers_the_people_who_are_on_it(
    family: str, insured: str, beneficiary: Beneficiary | None, *, covered: bool
) -> None:
    """The insured by number; the beneficiary by number, else by birth date and rank (CSS R161-42, 1°)."""
    sheet = example_sheet(insured=Nir.parse(insured), beneficiary=beneficiary)
    holders = VitaleHolders.of(vitale(family).certificate)
    if covered:
        check_patient(sheet, holders)
    else:
        with pytest.raises(WrongPatient):
            check_patient(sheet, holders)


def test_another_patients_card_does_not_sign() -> None:
    """A valid card that covers other people."""
    error = refusal(seal(patient=vitale("lexemple")))
    assert type(error) is WrongPatient
    assert (error.rule.id, error.facts) == ("SEAL-PATIENT", {"serial": "990000000002"})


def test_a_professional_who_may_sign_passes_the_check_before_signing() -> None:
    """The same check serves before the cards sign: it must not refuse what the receiver accepts."""
    check_professional(example_sheet(), CpsEntitlement.of(cps().certificate))


# -------------------------------------------------------------------------------------------------------------- trust


@pytest.mark.parametrize(("professional", "patient"), [(THEIRS, THEIRS), (THEIRS, None), (None, THEIRS)])
def test_an_infrastructure_with_the_same_names_signs_nothing(professional: str | None, patient: str | None) -> None:
    """Every name equal, every signature good, and nobody whom the receiver knows."""
    sealed = seal(
        professional=cps("medecin", professional) if professional else cps(),
        patient=vitale("dutest", patient) if patient else vitale(),
    )
    error = refusal(sealed)
    assert type(error) is TrustError
    assert (error.rule.id, error.facts["family"]) == ("TRUST-UNKNOWN", "cps" if professional else "vitale")


def test_a_card_signs_in_its_own_role_only() -> None:
    """The patient's card is no professional's, the professional's no patient's, and a caisse signs no sheet."""
    payload = degraded().payload
    for card in (vitale(), party()):
        error = refusal(seal_as_professional(payload, signer(card), NOW, "feuille:degrade:sans-carte", None))
        assert error.rule.id == "TRUST-UNKNOWN"
    payload = secured().payload
    patient = seal_as_patient(payload, signer(cps()), NOW)
    error = refusal(seal_as_professional(payload, signer(cps()), NOW, "feuille:securise", patient))
    assert error.rule.id == "TRUST-UNKNOWN"


@pytest.mark.parametrize("card", ["cps", "vitale"])
def test_a_revoked_card_signs_no_more(card: str) -> None:
    """From the second of its revocation on; what it signed before stays good."""
    pki = new_pki()
    pki.revoke((cps() if card == "cps" else vitale()).certificate, NOW)
    store = TrustStore.load(trust_files(pki))
    error = refusal(secured(), store)
    assert type(error) is TrustError
    assert error.rule.id == "TRUST-REVOKED"
    verify_sheet(seal(at=NOW - timedelta(seconds=1)).encode(), store, LATER)


def test_an_expired_card_signs_no_more() -> None:
    """Its validity is judged at the time of signing, not at the receiver's clock."""
    at = datetime(2050, 1, 1, 0, 0, 1, tzinfo=UTC)
    error = refusal(seal(at=at), received=at)
    assert type(error) is TrustError
    assert error.rule.id == "TRUST-PERIOD"
    verify_sheet(secured().encode(), trust(), datetime(2060, 1, 1, tzinfo=UTC))
