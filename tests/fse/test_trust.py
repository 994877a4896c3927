"""Who is believed, and each way of not being believed, by its name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from card_sim.certificates import Subject, certify_authority, self_signed_root, usage
from fse.trust import FAMILIES, TrustError, TrustStore
from tests.fse.sheet_builders import NOW, OURS, THEIRS, cps, new_pki, signer, trust, trust_files, vitale

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, ExtensionType

FILES = trust_files(new_pki())
OTHERS = trust_files(new_pki(THEIRS))


def refusal(files: dict[str, bytes]) -> TrustError:
    """Return why ``files`` are no store."""
    with pytest.raises(TrustError) as caught:
        TrustStore.load(files)
    return caught.value


def self_signed(name: x509.Name, *extensions: ExtensionType) -> bytes:
    """Return a certificate (PEM) that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def named(common_name: str) -> x509.Name:
    """Return a name of one part."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


AUTHORITY = x509.BasicConstraints(ca=True, path_length=1)


def test_a_store_holds_its_root_and_an_authority_for_each_family() -> None:
    """What was exported is what is believed."""
    store, pki = TrustStore.load(FILES), new_pki()
    assert FAMILIES == ("cps", "vitale", "facturation")
    assert store.root == pki.root
    assert store.authorities == {family: pki.authority(family) for family in FAMILIES}
    assert store.root_pem == FILES["root.pem"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_file_is_needed(name: str) -> None:
    """A store without a revocation list would believe a stolen card."""
    error = refusal({other: data for other, data in FILES.items() if other != name})
    assert error.rule.id == "TRUST-STORE"
    assert error.facts == {"file": name, "reason": "missing"}


@pytest.mark.parametrize("name", sorted(FILES))
def test_each_file_must_be_readable(name: str) -> None:
    """A damaged file is named; nothing is believed by halves."""
    error = refusal(FILES | {name: FILES[name][:100]})
    assert error.rule.id == "TRUST-STORE"
    assert error.facts["file"] == name
    assert str(error.facts["reason"]).startswith("not a PEM")


@pytest.mark.parametrize("name", sorted(set(FILES) - {"root.pem"}))
def test_each_file_must_belong_to_this_root(name: str) -> None:
    """A second infrastructure with the same names gives no file to ours."""
    error = refusal(FILES | {name: OTHERS[name]})
    assert error.rule.id == "TRUST-STORE"
    assert error.facts["file"] == name
    assert "signed by" in str(error.facts["reason"])


def test_another_root_believes_none_of_our_authorities() -> None:
    """Equal names are not equal keys."""
    error = refusal(FILES | {"root.pem": OTHERS["root.pem"]})
    assert (error.rule.id, error.facts["file"]) == ("TRUST-STORE", "authorities/cps.pem")


@pytest.mark.parametrize(
    "certificate",
    [
        pytest.param(self_signed(named("TEST X")), id="does not say what it may do"),
        pytest.param(
            self_signed(named("TEST X"), x509.BasicConstraints(ca=False, path_length=None)), id="no authority"
        ),
        pytest.param(cps().certificate.public_bytes(Encoding.PEM), id="a card"),
        pytest.param(FILES["authorities/cps.pem"], id="signed by another"),
    ],
)
def test_a_root_is_an_authority_that_signed_itself(certificate: bytes) -> None:
    """A card, or any certificate, is no root."""
    error = refusal(FILES | {"root.pem": certificate})
    assert error.rule.id == "TRUST-STORE"
    assert error.facts["file"] == "root.pem"


@pytest.mark.parametrize("name", [named("AC RACINE"), named("TESTAMENT SA"), x509.Name([])])
def test_a_certificate_of_the_real_world_is_refused_on_sight(name: x509.Name) -> None:
    """Test and real never mix: the word TEST stands in the name, as a word."""
    error = refusal(FILES | {"root.pem": self_signed(name, AUTHORITY)})
    assert error.rule.id == "TRUST-REAL"


def test_an_authority_revoked_by_the_root_makes_the_store_unusable() -> None:
    """A lost authority takes all its cards with it."""
    pki = new_pki()
    pki.revoke(pki.authority("vitale"), NOW)
    error = refusal(trust_files(pki))
    assert error.rule.id == "TRUST-STORE"
    assert error.facts == {"file": "authorities/vitale.pem", "reason": "revoked by the root"}


def check(store: TrustStore, family: str, at: datetime, card: Any = None) -> None:  # noqa: ANN401 - either card
    """Hold the doctor's card, or ``card``, against ``store``."""
    card = card or cps()
    store.check(card.certificate, signer(card).issuer, family, at)


def refused(store: TrustStore, family: str, at: datetime, card: Any = None) -> TrustError:  # noqa: ANN401 - either card
    """Return why the card is not believed."""
    with pytest.raises(TrustError) as caught:
        check(store, family, at, card)
    return caught.value


def test_a_card_is_believed_in_its_own_family_only() -> None:
    """A patient's card never stands for a professional's, nor the other way round."""
    check(trust(), "cps", NOW)
    check(trust(), "vitale", NOW, vitale())
    for family, card in (("vitale", cps()), ("facturation", cps()), ("cps", vitale())):
        assert refused(trust(), family, NOW, card).rule.id == "TRUST-UNKNOWN"


def test_an_infrastructure_with_the_same_names_is_not_believed() -> None:
    """Keys are believed, names are not."""
    twin = cps("medecin", THEIRS)
    assert twin.certificate.subject == cps().certificate.subject
    assert twin.certificate.issuer == cps().certificate.issuer
    error = refused(trust(), "cps", NOW, twin)
    assert error.rule.id == "TRUST-UNKNOWN"
    assert error.facts == {"subject": "TEST CPS 99700000013", "family": "cps"}
    with pytest.raises(TrustError) as caught:
        trust().check(twin.certificate, signer(cps()).issuer, "cps", NOW)
    assert caught.value.rule.id == "TRUST-UNKNOWN"


def test_the_authority_that_comes_with_a_card_is_the_stores_own() -> None:
    """A document that brings its own authority is refused, although the card itself is ours."""
    with pytest.raises(TrustError) as caught:
        trust().check(cps().certificate, signer(cps("medecin", THEIRS)).issuer, "cps", NOW)
    assert caught.value.rule.id == "TRUST-UNKNOWN"


@pytest.mark.parametrize(
    ("at", "believed"),
    [
        (datetime(2014, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2015, 1, 1, tzinfo=UTC), True),
        (datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2050, 1, 1, tzinfo=UTC), False),
    ],
)
def test_a_card_is_believed_during_its_validity(at: datetime, *, believed: bool) -> None:
    """First and last second included (RFC 5280, 4.1.2.5)."""
    if believed:
        check(trust(), "cps", at)
    else:
        error = refused(trust(), "cps", at)
        assert (error.rule.id, error.facts["at"]) == ("TRUST-PERIOD", at.date())


def test_a_revoked_card_is_believed_for_what_it_signed_before() -> None:
    """A sheet signed before the loss of the card stays good; from the revocation on, no more."""
    pki = new_pki()
    pki.revoke(cps().certificate, NOW)
    store = TrustStore.load(trust_files(pki))
    check(store, "cps", NOW - timedelta(seconds=1))
    for at in (NOW, NOW + timedelta(days=1)):
        error = refused(store, "cps", at)
        assert error.rule.id == "TRUST-REVOKED"
        assert error.facts == {"subject": "TEST CPS 99700000013", "at": NOW.date()}
    check(store, "vitale", NOW, vitale())


def test_a_certificate_without_a_readable_name_is_still_refused_by_name() -> None:
    """A hostile certificate must not end in another error than ours."""
    hostile = asn1_x509.Certificate.load(vitale().certificate.public_bytes(Encoding.DER))
    hostile["tbs_certificate"]["subject"] = asn1_x509.Name.build({"common_name": "ZZZZ"})
    data = hostile.dump(force=True).replace(b"ZZZZ", b"\xff\xfe\xff\xfe")
    certificate: Certificate = x509.load_der_x509_certificate(data)
    with pytest.raises(TrustError) as caught:
        trust().check(certificate, signer(vitale()).issuer, "vitale", NOW)
    assert caught.value.rule.id == "TRUST-UNKNOWN"
    assert caught.value.facts["subject"] == "?"


def test_two_stores_of_one_seed_are_equal() -> None:
    """One seed replays a run: the files of the store included."""
    assert trust_files(new_pki(OURS)) == FILES
    assert OTHERS.keys() == FILES.keys()
    assert all(OTHERS[name] != data for name, data in FILES.items())


def test_a_certificate_of_the_root_itself_is_nobodys_card() -> None:
    """A holder's certificate leads to the root through the authority of its family, never past it."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed_root("TEST RACINE", key, 1)
    families = {family: certify_authority(root, f"TEST AC {family}", key, 2) for family in FAMILIES}
    files = {"root.pem": root.certificate.public_bytes(Encoding.PEM)}
    for name, one in {"root": root, **families}.items():
        files[f"crl/{name}.pem"] = one.revocation_list(1, {}).public_bytes(Encoding.PEM)
        if one is not root:
            files[f"authorities/{name}.pem"] = one.certificate.public_bytes(Encoding.PEM)
    store = TrustStore.load(files)
    below = families["cps"].certificate.public_bytes(Encoding.DER)
    holder = Subject("TEST CPS 99700000013")
    good = families["cps"].issue(holder, key, 3, usage(), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
    past = root.issue(holder, key, 4, usage(), x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]))
    store.check(good, below, "cps", NOW)
    with pytest.raises(TrustError) as caught:
        store.check(past, below, "cps", NOW)
    assert caught.value.rule.id == "TRUST-UNKNOWN"


def test_a_list_past_its_next_update_vouches_for_nobody() -> None:
    """A revocation list speaks up to its next update (RFC 5280); the day after, nobody knows who was revoked since."""
    key = ec.generate_private_key(ec.SECP256R1())
    root = self_signed_root("TEST RACINE", key, 1)
    authority = certify_authority(root, "TEST AC CPS", key, 2)
    until = NOW + timedelta(days=1)
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    short = builder.last_update(NOW - timedelta(days=1)).next_update(until).sign(key, SHA256())
    issuer = authority.certificate.public_bytes(Encoding.DER)
    store = TrustStore(root.certificate, {"cps": authority.certificate}, {"cps": short})
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    holder = authority.issue(Subject("TEST CPS"), key, 3, usage(), purpose)
    store.check(holder, issuer, "cps", until)
    with pytest.raises(TrustError) as caught:
        store.check(holder, issuer, "cps", until + timedelta(seconds=1))
    assert caught.value.rule.id == "TRUST-LIST-OLD"
