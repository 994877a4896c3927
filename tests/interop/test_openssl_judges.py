"""Programs that we did not write judge what we sign, write and encrypt: openssl and xmllint."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fse.arl import sign_arl
from fse.cms import CmsError, Seal
from fse.lot import sign_lot
from fse.sealed_file import FileFormat, SealedFile
from fse.seals import open_sheet
from fse.sheet import Cause
from gateway.envelopes import make_envelope, open_envelope
from gateway.party import Party
from tests.fse.sheet_builders import (
    BILLER,
    NOW,
    cps,
    example_arl,
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

pytestmark = pytest.mark.interop

ROOT = Path(__file__).parents[2]
XSD = ROOT / "schemas" / "xsd"

Run = subprocess.CompletedProcess[bytes]


@pytest.fixture
def openssl(outside_program: Callable[[str], str], tmp_path: Path) -> Callable[..., Run]:
    """Return a runner of openssl in the test's folder."""
    program = outside_program("openssl")
    return lambda *arguments: subprocess.run([program, *arguments], cwd=tmp_path, capture_output=True, check=False)


@pytest.fixture
def xmllint(outside_program: Callable[[str], str], tmp_path: Path) -> Callable[..., Run]:
    """Return a runner of xmllint in the test's folder, without network."""
    program = outside_program("xmllint")
    return lambda *arguments: subprocess.run(
        [program, "--nonet", *arguments], cwd=tmp_path, capture_output=True, check=False
    )


def write(folder: Path, **files: bytes) -> None:
    """Write ``files`` into ``folder``; the first underscore of a name stands for its dot."""
    for name, data in files.items():
        (folder / name.replace("_", ".", 1)).write_bytes(data)


def cms_verify(name: str, *options: str) -> tuple[str, ...]:
    """Return the arguments of the command in the README, for the signature ``name``."""
    return (
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", name, "-content", "payload.xml"),
        *("-CAfile", "ca.pem", "-purpose", "any", "-out", os.devnull, *options),
    )


# -------------------------------------------------------------------------------------------------- the command line


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home of the simulator for the commands of this module."""
    return tmp_path_factory.mktemp("fse") / "home"


def fse(home: Path, folder: Path, *arguments: str) -> Run:
    """Run the command ``fse`` as a person does."""
    program = Path(sys.executable).with_name("fse")
    return subprocess.run(
        [program, *arguments], cwd=folder, capture_output=True, check=False, env=os.environ | {"FSE_HOME": str(home)}
    )


def test_the_commands_of_the_readme(
    home: Path, tmp_path: Path, openssl: Callable[..., Run], xmllint: Callable[..., Run]
) -> None:
    """Seal, extract, and let openssl and xmllint judge what came out: the way that a sceptic takes."""
    sealed = fse(home, tmp_path, "seal", str(ROOT / "examples" / "encounter.json"), "-o", "sheet.fse")
    assert sealed.returncode == 0, sealed.stderr
    assert fse(home, tmp_path, "extract", "sheet.fse", ".").returncode == 0
    for name in ("cps.p7s", "vitale.p7s"):
        for options in ((), ("-cades",)):
            judged = openssl(*cms_verify(name, *options))
            assert judged.returncode == 0, judged.stderr
    judged = xmllint("--noout", "--schema", str(XSD / "feuille-1.xsd"), "payload.xml")
    assert judged.returncode == 0, judged.stderr
    payload = (tmp_path / "payload.xml").read_bytes()
    (tmp_path / "payload.xml").write_bytes(payload.replace(b">3500<", b">3600<"))
    for name in ("cps.p7s", "vitale.p7s"):
        assert openssl(*cms_verify(name)).returncode != 0


# ------------------------------------------------------------------------------------------------------------- seals


@pytest.mark.parametrize("options", [(), ("-cades",)])
@pytest.mark.parametrize("cause", [None, Cause.HARDWARE])
def test_openssl_accepts_each_seal_and_no_other_content(
    cause: Cause | None, options: tuple[str, ...], tmp_path: Path, openssl: Callable[..., Run]
) -> None:
    """Professional and beneficiary, as plain CMS and as CAdES; one changed byte and both are refused."""
    sealed = open_sheet(seal(example_sheet(cause)).encode())
    write(tmp_path, payload_xml=sealed.payload, cps_p7s=sealed.professional, ca_pem=trust().root_pem)
    names = ["cps.p7s"]
    if sealed.patient is not None:
        write(tmp_path, vitale_p7s=sealed.patient)
        names.append("vitale.p7s")
    assert len(names) == (2 if cause is None else 1)
    for name in names:
        judged = openssl(*cms_verify(name, *options))
        assert judged.returncode == 0, judged.stderr
    write(tmp_path, payload_xml=sealed.payload.replace(b"2025-03-04", b"2025-03-05", 1))
    for name in names:
        judged = openssl(*cms_verify(name, *options))
        assert judged.returncode != 0
        assert b"verification failure" in judged.stderr.lower() or b"digest" in judged.stderr.lower()


def test_openssl_refuses_another_root(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """The same names, other keys: openssl believes the root that it is given, as we do."""
    sealed = seal()
    other = trust_files(new_pki("another"))["root.pem"]
    write(tmp_path, payload_xml=sealed.payload, cps_p7s=sealed.professional, ca_pem=other)
    assert openssl(*cms_verify("cps.p7s")).returncode != 0


def test_openssl_accepts_the_seals_of_lots_and_acknowledgements(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """The card that signs a lot and the caisse that answers use the same form of signature."""
    sheets = (seal().encode(),)
    for data, form in (
        (sign_lot(example_lot(sheets), sheets, signer(cps()), NOW), FileFormat.LOT),
        (sign_arl(example_arl(), signer(party()), NOW), FileFormat.ARL),
    ):
        file = SealedFile.decode(data, form)
        write(tmp_path, payload_xml=file.payload, one_p7s=file.seals[0], ca_pem=trust().root_pem)
        for options in ((), ("-cades",)):
            judged = openssl(*cms_verify("one.p7s", *options))
            assert judged.returncode == 0, judged.stderr


def test_openssl_reads_the_parts_of_a_file(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """The sheet file is DER to anybody: the format's name, the payload, two seals, no part."""
    write(tmp_path, sheet_fse=seal().encode())
    judged = openssl("asn1parse", "-inform", "DER", "-in", "sheet.fse")
    assert judged.returncode == 0, judged.stderr
    lines = judged.stdout.decode().splitlines()
    kinds = [line.split("prim:")[-1].split("cons:")[-1].split()[0] for line in lines]
    assert kinds == ["SEQUENCE", "UTF8STRING", "OCTET", "SEQUENCE", "OCTET", "OCTET", "SEQUENCE"]
    assert b"FSE-SIM feuille 1" in judged.stdout


def test_a_seal_made_by_openssl_is_not_ours(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """A good CMS of another program over the same content is not in our one encoding."""
    sealed, one = seal(example_sheet(Cause.NO_CARD)), party()
    write(
        tmp_path,
        payload_xml=sealed.payload,
        cert_pem=one.certificate.public_bytes(Encoding.PEM),
        key_pem=one.key_pem,
        issuer_pem=one.issuer_certificate.public_bytes(Encoding.PEM),
        ca_pem=trust().root_pem,
    )
    made = openssl(
        *("cms", "-sign", "-binary", "-in", "payload.xml", "-signer", "cert.pem", "-inkey", "key.pem"),
        *("-certfile", "issuer.pem", "-cades", "-outform", "DER", "-out", "made.p7s"),
    )
    assert made.returncode == 0, made.stderr
    assert openssl(*cms_verify("made.p7s")).returncode == 0
    with pytest.raises(CmsError) as caught:
        Seal.decode((tmp_path / "made.p7s").read_bytes())
    assert caught.value.rule.id == "SEAL-ENCODING"


# --------------------------------------------------------------------------------------------------------- documents


def documents() -> dict[str, tuple[bytes, str]]:
    """Return a document of each kind and its schema."""
    lot = SealedFile.decode(sign_lot(example_lot([b"x"]), [b"x"], signer(vitale()), NOW), FileFormat.LOT)
    arl = SealedFile.decode(sign_arl(example_arl(), signer(vitale()), NOW), FileFormat.ARL)
    return {
        "sheet": (seal().payload, "feuille-1"),
        "lot": (lot.payload, "lot-1"),
        "acknowledgement": (arl.payload, "arl-1"),
    }


@pytest.mark.parametrize("kind", documents())
def test_xmllint_judges_documents_by_the_published_schemas(
    kind: str, tmp_path: Path, xmllint: Callable[..., Run]
) -> None:
    """Valid as written; refused when an item has another form, is missing, or is unknown."""
    payload, schema = documents()[kind]
    write(tmp_path, payload_xml=payload)
    judged = xmllint("--noout", "--schema", str(XSD / f"{schema}.xsd"), "payload.xml")
    assert judged.returncode == 0, judged.stderr
    mention = b"<mention>SIMULATION - NON HOMOLOGUE</mention>"
    for broken in (
        payload.replace(b"SIMULATION", b"REEL"),
        payload.replace(mention, b""),
        payload.replace(mention, mention * 2),
    ):
        assert broken != payload
        write(tmp_path, payload_xml=broken)
        assert xmllint("--noout", "--schema", str(XSD / f"{schema}.xsd"), "payload.xml").returncode == 3


@pytest.mark.parametrize("kind", documents())
def test_xmllint_writes_the_same_canonical_form(kind: str, tmp_path: Path, xmllint: Callable[..., Run]) -> None:
    """Exclusive canonicalisation by libxml2's own program gives back the bytes that were signed."""
    payload, _ = documents()[kind]
    write(tmp_path, payload_xml=payload)
    assert xmllint("--exc-c14n", "payload.xml").stdout == payload


# --------------------------------------------------------------------------------------------------------- envelopes


def test_openssl_opens_an_envelope(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """CMS EnvelopedData for the caisse alone: its key opens it, another does not; inside, gzip."""
    caisse, other = party(), party("019980000")
    data = b"a signed lot" * 100
    write(
        tmp_path,
        file_p7m=make_envelope(data, caisse.certificate),
        key_pem=caisse.key_pem,
        cert_pem=caisse.certificate.public_bytes(Encoding.PEM),
        otherkey_pem=other.key_pem,
        othercert_pem=other.certificate.public_bytes(Encoding.PEM),
    )
    decrypt = ("cms", "-decrypt", "-binary", "-inform", "DER", "-in", "file.p7m")
    opened = openssl(*decrypt, "-recip", "cert.pem", "-inkey", "key.pem")
    assert opened.returncode == 0, opened.stderr
    assert gzip.decompress(opened.stdout) == data
    assert openssl(*decrypt, "-recip", "othercert.pem", "-inkey", "otherkey.pem").returncode != 0
    printed = openssl("cms", "-cmsout", "-print", "-inform", "DER", "-in", "file.p7m").stdout
    assert b"aes-256-cbc" in printed


def test_an_envelope_made_by_openssl_is_opened(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """A caisse that answers with another program is understood."""
    biller = party(BILLER)
    write(tmp_path, data_gz=gzip.compress(b"an answer"), cert_pem=biller.certificate.public_bytes(Encoding.PEM))
    made = openssl(
        *("cms", "-encrypt", "-binary", "-aes256", "-in", "data.gz", "-outform", "DER", "-out", "file.p7m", "cert.pem")
    )
    assert made.returncode == 0, made.stderr
    issuer = biller.issuer_certificate.public_bytes(Encoding.DER)
    owner = Party(biller.certificate, issuer, biller.private_key)
    assert open_envelope((tmp_path / "file.p7m").read_bytes(), owner) == b"an answer"


# ------------------------------------------------------------------------------------------------------ trust folder


def test_openssl_verifies_certificates_by_the_trust_folder(tmp_path: Path, openssl: Callable[..., Run]) -> None:
    """Chain and revocation lists of the exported folder: every card good, and the revoked one refused."""
    pki = new_pki()
    pki.revoke(vitale("lexemple").certificate, NOW)
    for name, data in trust_files(pki).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    for family, certificate, good in (
        ("cps", cps().certificate, True),
        ("vitale", vitale().certificate, True),
        ("facturation", party().certificate, True),
        ("vitale", vitale("lexemple").certificate, False),
        ("cps", vitale().certificate, False),
    ):
        write(tmp_path, one_pem=certificate.public_bytes(Encoding.PEM))
        judged = openssl(
            *("verify", "-CAfile", "root.pem", "-untrusted", f"authorities/{family}.pem", "-crl_check_all"),
            *("-CRLfile", "crl/root.pem", "-CRLfile", f"crl/{family}.pem", "-x509_strict", "one.pem"),
        )
        assert (judged.returncode == 0) == good, judged.stderr
