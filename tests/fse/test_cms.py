"""Seals as CMS: asn1crypto reads them; any other writing of the same signature is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from asn1crypto import cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from fse import der
from fse.cms import CmsError, Seal, Signer, make_seal
from tests.fse.sheet_builders import NOW, accepted_changes, cps, signer, trust, vitale

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

CONTENT = b"<feuille/>"
OWN_ARC = "2.25.211780421374440933141047428433180243861"
ATTRIBUTES = {
    "content_type",
    "message_digest",
    "signing_time",
    "signing_certificate_v2",
    f"{OWN_ARC}.1",
}


@cache
def professional_seal(bound: bytes | None = b"the patient's seal") -> Seal:
    """Return a seal made with an RSA key."""
    return make_seal(CONTENT, signer(cps()), NOW, "feuille:securise", bound)


@cache
def patient_seal() -> Seal:
    """Return a seal made with a P-256 key."""
    return make_seal(CONTENT, signer(vitale()), NOW, "beneficiaire")


def signed_data(seal: Seal) -> Any:  # noqa: ANN401 - asn1crypto ships no types
    """Return the SignedData of ``seal`` as asn1crypto reads it, all of it and strictly."""
    found = cms.ContentInfo.load(seal.encode(), strict=True)
    found.native  # noqa: B018 - asn1crypto reads lazily: this reads it all
    assert found["content_type"].native == "signed_data"
    return found["content"]


def attributes_of(found: Any) -> dict[str, Any]:  # noqa: ANN401 - asn1crypto ships no types
    """Return the signed attributes by type, each with its one value."""
    signed = found["signer_infos"][0]["signed_attrs"]
    assert all(len(attribute["values"]) == 1 for attribute in signed)
    return {attribute["type"].native: attribute["values"][0] for attribute in signed}


@pytest.mark.parametrize(
    ("seal", "names", "algorithm"),
    [
        (professional_seal(), ATTRIBUTES | {f"{OWN_ARC}.2"}, "sha256_rsa"),
        (professional_seal(None), ATTRIBUTES, "sha256_rsa"),
        (patient_seal(), ATTRIBUTES, "sha256_ecdsa"),
    ],
)
def test_asn1crypto_reads_a_cades_bes_signature(seal: Seal, names: set[str], algorithm: str) -> None:
    """The parts that RFC 5652 and ETSI EN 319 122-1 ask for are there, with their values, and nothing else."""
    found = signed_data(seal)
    (info,) = found["signer_infos"]
    signed = attributes_of(found)
    assert signed.keys() == names
    assert signed["content_type"].native == "data"
    assert signed["message_digest"].native == sha256(CONTENT).digest()
    assert signed["signing_time"].native == NOW
    certificates = signed["signing_certificate_v2"]["certs"]
    assert isinstance(signed["signing_certificate_v2"], tsp.SigningCertificateV2)
    assert [one["cert_hash"].native for one in certificates] == [
        sha256(seal.certificate).digest(),
        sha256(seal.issuer).digest(),
    ]
    assert found["encap_content_info"]["content"].native is None
    assert {one.dump() for one in found["certificates"]} == {seal.certificate, seal.issuer}
    assert info["sid"].chosen["serial_number"].native == seal.x509.serial_number
    assert info["signature_algorithm"]["algorithm"].native == algorithm
    assert info["unsigned_attrs"].native is None
    assert cms.ContentInfo.load(seal.encode()).dump(force=True) == seal.encode()


def test_what_is_bound_and_what_it_is_for_stand_in_the_signed_part() -> None:
    """Mode and the beneficiary's seal cannot be changed without breaking the professional's signature."""
    signed = attributes_of(signed_data(professional_seal()))
    assert signed[f"{OWN_ARC}.1"].parse(core.UTF8String).native == "feuille:securise"
    assert signed[f"{OWN_ARC}.2"].parse(core.OctetString).native == sha256(b"the patient's seal").digest()


def test_the_keys_signed_the_attributes_as_a_set() -> None:
    """RFC 5652, 5.4: the signature covers the DER of the SET OF attributes; checked without our own code."""
    for seal, arguments in (
        (professional_seal(), (padding.PKCS1v15(), SHA256())),
        (patient_seal(), (ec.ECDSA(SHA256()),)),
    ):
        info = signed_data(seal)["signer_infos"][0]
        key: Any = x509.load_der_x509_certificate(seal.certificate).public_key()
        key.verify(info["signature"].native, info["signed_attrs"].untag().dump(), *arguments)


@pytest.mark.parametrize("seal", [professional_seal(), professional_seal(None), patient_seal()])
def test_a_seal_is_read_as_it_was_made(seal: Seal) -> None:
    """Nothing is lost or added on the way through bytes, and the signature holds after it."""
    found = Seal.decode(seal.encode())
    assert found == seal
    found.check_signature()


def test_a_time_is_kept_in_utc_to_the_second_in_either_form() -> None:
    """A signing time has no other writing, before and after 2050."""
    for at, kept in (
        (datetime(2025, 3, 4, 11, 0, 0, 999999, timezone(timedelta(hours=1))), NOW),
        (datetime(2050, 6, 1, tzinfo=UTC), datetime(2050, 6, 1, tzinfo=UTC)),
    ):
        seal = make_seal(CONTENT, signer(vitale()), at, "beneficiaire")
        assert seal.signing_time == kept
        assert Seal.decode(seal.encode()).signing_time == kept


def test_a_card_is_asked_for_one_signature_of_one_digest() -> None:
    """A card that asks for its PIN at each signature asks once."""
    asked: list[bytes] = []
    card = signer(vitale())

    def sign(digest: bytes) -> bytes:
        asked.append(digest)
        return card.sign(digest)

    seal = make_seal(CONTENT, Signer(card.certificate, card.issuer, sign), NOW, "beneficiaire")
    seal.encode()
    assert [len(digest) for digest in asked] == [32]


def rebuilt(change: Callable[[Any], None], seal: Seal | None = None) -> bytes:
    """Return the seal after ``change`` of its SignedData by asn1crypto, written again in DER."""
    info = cms.ContentInfo.load((seal or professional_seal()).encode())
    change(info["content"])
    data: bytes = info.dump(force=True)
    return data


def extra_signer(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Add the patient's signature as a second signer."""
    found["signer_infos"].append(signed_data(patient_seal())["signer_infos"][0])


def extra_certificate(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Add a certificate that nobody needs."""
    found["certificates"].append(cms.CertificateChoices.load(patient_seal().certificate))


def missing_certificate(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Take the authority's certificate away."""
    del found["certificates"][1 if found["certificates"][0].dump() == professional_seal().certificate else 0]


def unsigned_attribute(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Add something outside what is signed."""
    attribute = cms.CMSAttribute({"type": "1.2.3.4", "values": [core.Null()]})
    found["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes([attribute])


def attached_content(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Put the content inside."""
    found["encap_content_info"]["content"] = CONTENT


def digest_with_parameters(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Write SHA-256 with the NULL that RFC 5754 asks receivers to take and senders to leave out."""
    found["digest_algorithms"][0]["parameters"] = core.Null()


def another_version(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Say version 3."""
    found["version"] = "v3"


def another_signature_algorithm(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
    """Say rsaEncryption instead of sha256WithRSAEncryption: openssl takes both."""
    found["signer_infos"][0]["signature_algorithm"] = {"algorithm": "rsassa_pkcs1v15", "parameters": core.Null()}


@pytest.mark.parametrize(
    "change",
    [
        extra_signer,
        extra_certificate,
        missing_certificate,
        unsigned_attribute,
        attached_content,
        digest_with_parameters,
        another_version,
        another_signature_algorithm,
    ],
)
def test_another_cms_around_the_same_signature_is_refused(change: Callable[[Any], None]) -> None:
    """What no signature covers cannot be changed either: there is one encoding."""
    changed = rebuilt(change)
    assert changed != professional_seal().encode()
    with pytest.raises(CmsError) as caught:
        Seal.decode(changed)
    assert caught.value.rule.id == "SEAL-ENCODING"


def test_asn1crypto_changes_nothing_unless_asked() -> None:
    """The changes above are refused for what they change, not for the detour."""
    assert rebuilt(lambda _: None) == professional_seal().encode()


def resigned(attributes: list[bytes]) -> bytes:
    """Return a seal whose signed ``attributes`` stand in that order, properly signed by the card."""
    seal = patient_seal()
    body = b"".join(attributes)
    proper = signer(vitale()).sign(sha256(der.tlv(0x31, body)).digest())
    before = der.read(seal.signed_attributes(), 0x31)[0]
    data = rebuilt(lambda found: found["signer_infos"][0].__setitem__("signature", proper), seal)
    # the lengths around stay right when the attributes keep their total length
    assert len(body) == len(before)
    return data.replace(before, body)


def patient_attributes() -> list[bytes]:
    """Return the signed attributes of the patient's seal, each as DER."""
    found, rest = [], der.read(patient_seal().signed_attributes(), 0x31)[0]
    while rest:
        body, rest = der.read(rest, 0x30)
        found.append(der.sequence(body))
    return found


def test_attributes_in_another_order_are_refused_even_when_signed_so() -> None:
    """A signer that writes BER must not give a second encoding of the same seal."""
    assert resigned(patient_attributes()) == patient_seal().encode()
    with pytest.raises(CmsError) as caught:
        Seal.decode(resigned(patient_attributes()[::-1]))
    assert caught.value.rule.id == "SEAL-ENCODING"


def test_an_attribute_that_stands_twice_is_refused() -> None:
    """Two purposes in one seal: a reader could take either."""
    first, *_ = patient_attributes()

    def change(found: Any) -> None:  # noqa: ANN401 - asn1crypto ships no types
        signed = found["signer_infos"][0]["signed_attrs"]
        signed.append(cms.CMSAttribute.load(first))

    with pytest.raises(CmsError) as caught:
        Seal.decode(rebuilt(change, patient_seal()))
    assert caught.value.rule.id == "SEAL-ENCODING"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x30\x80" + professional_seal().encode()[4:] + b"\0\0", id="indefinite length (BER)"),
        pytest.param(professional_seal().encode() + b"\0", id="something behind"),
        pytest.param(professional_seal().encode()[:-1], id="cut"),
        pytest.param(b"\x30\x03\x02\x01\x00", id="not CMS"),
    ],
)
def test_what_is_not_a_seal_is_refused(data: bytes) -> None:
    """Bytes of any kind end in the one named error."""
    with pytest.raises(CmsError) as caught:
        Seal.decode(data)
    assert caught.value.rule.id == "SEAL-ENCODING"


@pytest.mark.parametrize("seal", [professional_seal(), patient_seal()])
def test_a_signature_by_another_key_does_not_hold(seal: Seal) -> None:
    """The certificate that a seal carries must be that of the key."""
    other = make_seal(b"something else", signer(cps() if seal is professional_seal() else vitale()), NOW, "x")
    swapped = replace(seal, signature=other.signature)
    with pytest.raises(CmsError) as caught:
        Seal.decode(swapped.encode()).check_signature()
    assert caught.value.rule.id == "SEAL-SIGNATURE"


def foreign_certificate(key: CertificateIssuerPrivateKeyTypes) -> bytes:
    """Return a self-signed certificate for ``key``."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST X")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
    builder = builder.not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else SHA256()
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def seal_with(certificate: bytes) -> Seal:
    """Return a seal that carries ``certificate``, signed with the patient's key."""
    own = signer(vitale())
    return make_seal(CONTENT, Signer(certificate, own.issuer, own.sign), NOW, "beneficiaire")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(rsa.generate_private_key(65537, 1024), id="weak"),  # noqa: S505 - refused, that is the test
        pytest.param(ec.generate_private_key(ec.SECP384R1()), id="another curve"),
    ],
)
def test_other_keys_are_refused(key: CertificateIssuerPrivateKeyTypes) -> None:
    """RSA of 2048 bits and P-256, as the cards have them; nothing weaker, nothing else."""
    with pytest.raises(CmsError) as caught:
        seal_with(foreign_certificate(key)).encode()
    assert caught.value.rule.id == "SEAL-ENCODING"


def test_a_key_of_another_kind_verifies_nothing() -> None:
    """A seal put together by hand, with a certificate that no reader would have let in, does not hold."""
    key = ed25519.Ed25519PrivateKey.generate()
    seal = replace(patient_seal(), certificate=foreign_certificate(key))
    with pytest.raises(CmsError) as caught:
        seal.check_signature()
    assert caught.value.rule.id == "SEAL-SIGNATURE"


def test_something_else_than_a_certificate_is_refused() -> None:
    """The bytes in the place of the certificate may be anything."""
    with pytest.raises(CmsError) as caught:
        seal_with(b"\x30\x00").encode()
    assert caught.value.rule.id == "SEAL-ENCODING"


@pytest.mark.parametrize("place", ["subject", "issuer"])
def test_a_name_that_is_not_utf_8_is_refused(place: str) -> None:
    """Whoever shows or compares the names of a certificate that was let in meets no decoding error."""
    certificate = patient_seal().certificate
    found = asn1_x509.Certificate.load(certificate)["tbs_certificate"]
    name = str(found[place].native["common_name"]).encode()
    start = certificate.index(found[place].dump()) + found[place].dump().rindex(name)
    broken = certificate[:start] + b"\xff" * len(name) + certificate[start + len(name) :]
    seal = replace(patient_seal(), certificate=broken)
    with pytest.raises(CmsError) as caught:
        _ = seal.x509
    assert caught.value.rule.id == "SEAL-ENCODING"
    with pytest.raises(CmsError) as caught:
        judge_certificate(broken)
    assert caught.value.rule.id == "SEAL-ENCODING"


def judge_certificate(certificate: bytes) -> None:
    """Read a seal that carries ``certificate`` and names it in its attributes, then hold it against the store."""
    seal = patient_seal()
    data = seal.encode().replace(seal.certificate, certificate)
    data = data.replace(sha256(seal.certificate).digest(), sha256(certificate).digest())
    found = Seal.decode(data)
    trust().check(found.x509, found.issuer, "vitale", found.signing_time)


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
@pytest.mark.filterwarnings("ignore:The parsed certificate contains a NULL parameter")
def test_a_damaged_certificate_ends_in_an_error_of_ours() -> None:
    """Whatever a hostile certificate holds, reading it raises nothing that a receiver does not expect."""
    certificate = patient_seal().certificate
    judge_certificate(certificate)
    signed = patient_seal().x509.tbs_certificate_bytes
    behind = 8 * (certificate.index(signed) + len(signed))
    # the authority's signature itself has other writings (unused bits); the signer's own attributes name one of them
    accepted = accepted_changes(certificate, range(8 * len(certificate)), judge_certificate)
    assert all(bit >= behind for bit in accepted)


@pytest.mark.filterwarnings("ignore:Parsed a serial number which wasn't positive")
def test_a_certificate_with_a_negative_serial_number_is_refused() -> None:
    """A hostile certificate ends in the named error, not in an arithmetic one."""
    certificate = asn1_x509.Certificate.load(patient_seal().certificate)
    certificate["tbs_certificate"]["serial_number"] = 5
    positive = certificate.dump(force=True)
    certificate["tbs_certificate"]["serial_number"] = -5
    negative = certificate.dump(force=True)
    data = seal_with(positive).encode()
    for old, new in (
        (positive, negative),
        (sha256(positive).digest(), sha256(negative).digest()),
        (der.integer(5) + der.sequence(der.oid("2.16.840.1.101.3.4.2.1")), b"\x02\x01\xfb\x30\x0b\x06\x09"),
    ):
        assert old in data
        data = data.replace(old, new + old[len(new) :])
    with pytest.raises(CmsError) as caught:
        Seal.decode(data)
    assert caught.value.rule.id == "SEAL-ENCODING"
