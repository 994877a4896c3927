"""The TEST infrastructure, with openssl as the judge."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from card_sim.errors import FolderTaken, PkiInvalid, UnknownIssuer
from card_sim.keys import key_to_pem
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness, SystemRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2025, 3, 4, 9, tzinfo=UTC)
FAMILIES = ("cps", "vitale", "facturation")
ARC = "2.25.211780421374440933141047428433180243861"


def new_pki(seed: str = "pki") -> TestPki:
    """Return a new infrastructure; without RSA keys it is quick to make."""
    return TestPki.create(SeededRandomness(seed), now=NOW)


def pem(certificate: x509.Certificate) -> bytes:
    """Return ``certificate`` as PEM."""
    return certificate.public_bytes(Encoding.PEM)


@cache
def leaves() -> dict[str, x509.Certificate]:
    """Return a certificate of each family."""
    pki = new_pki()
    return {
        "cps": pki.issue_cps(demo_wallet().cps["medecin"]).certificate,
        "vitale": pki.issue_vitale(demo_wallet().vitale["specimen"]).certificate,
        "facturation": pki.issue_billing_party("caisse", "019990000", "CPAM de l'Artois (simulée)").certificate,
    }


@pytest.fixture
def openssl(tmp_path: Path, outside_program: Callable[[str], str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a runner of openssl in the test's folder."""
    program = outside_program("openssl")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([program, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.mark.interop
@pytest.mark.parametrize("family", FAMILIES)
def test_openssl_verifies_the_chain_and_the_lists(
    family: str, tmp_path: Path, openssl: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """From a trust directory alone, openssl accepts a leaf, strictly, every list checked, today and in 2016."""
    pki = new_pki()
    pki.export_trust(tmp_path / "trust")
    (tmp_path / "leaf.pem").write_bytes(pem(leaves()[family]))
    command = ["verify", "-x509_strict", "-CAfile", "trust/root.pem", "-untrusted", f"trust/authorities/{family}.pem"]
    lists = ["-crl_check_all", "-CRLfile", f"trust/crl/{family}.pem", "-CRLfile", "trust/crl/root.pem"]
    for instant in ([], ["-attime", str(int(datetime(2016, 1, 1, tzinfo=UTC).timestamp()))]):
        assert openssl(*command, *lists, *instant, "leaf.pem").stdout == "leaf.pem: OK\n"
    wrong = next(other for other in FAMILIES if other != family)
    command[-1] = f"trust/authorities/{wrong}.pem"
    assert openssl(*command, "leaf.pem").returncode == 2


@pytest.mark.interop
def test_openssl_refuses_a_revoked_certificate(
    tmp_path: Path, openssl: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """After a revocation the exported list refuses that leaf and no other."""
    pki = new_pki()
    wallet = demo_wallet().vitale
    opposed, other = (pki.issue_vitale(wallet[name]).certificate for name in ("opposee", "dutest"))
    pki.export_trust(tmp_path / "trust")
    pki.revoke(opposed, NOW)
    pki.export_trust(tmp_path / "trust")
    for name, certificate in (("opposed.pem", opposed), ("other.pem", other)):
        (tmp_path / name).write_bytes(pem(certificate))
    command = ["verify", "-CAfile", "trust/root.pem", "-untrusted", "trust/authorities/vitale.pem"]
    lists = ["-crl_check", "-CRLfile", "trust/crl/vitale.pem"]
    assert "certificate revoked" in openssl(*command, *lists, "opposed.pem").stderr
    assert openssl(*command, *lists, "other.pem").stdout == "other.pem: OK\n"


@pytest.mark.interop
@pytest.mark.parametrize(
    ("family", "subject", "usage", "key"),
    [
        (
            "cps",
            "C = FR, O = FSE-SIM TEST, CN = TEST CPS 99700000013, serialNumber = 899700000013",
            "Digital Signature, Non Repudiation",
            "Public-Key: (2048 bit)",
        ),
        (
            "vitale",
            "C = FR, O = FSE-SIM TEST, CN = TEST VITALE 990000000007, serialNumber = 990000000007",
            "Digital Signature, Non Repudiation",
            "ASN1 OID: prime256v1",
        ),
        (
            "facturation",
            "CN = TEST CAISSE 019990000, serialNumber = 019990000",
            "Digital Signature, Key Encipherment",
            "Public-Key: (2048 bit)",
        ),
    ],
)
def test_openssl_reads_the_leaves(
    family: str,
    subject: str,
    usage: str,
    key: str,
    tmp_path: Path,
    openssl: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """Names, dates, key and key usage are those that the profile of the family promises, as openssl prints them."""
    (tmp_path / "leaf.pem").write_bytes(pem(leaves()[family]))
    text = openssl("x509", "-in", "leaf.pem", "-noout", "-text").stdout
    assert re.search(f"Subject: .*{re.escape(subject)}\n", text)
    assert f"X509v3 Key Usage: critical\n                {usage}\n" in text
    assert "X509v3 Basic Constraints: critical\n                CA:FALSE\n" in text
    assert "Not Before: Jan  1 00:00:00 2015 GMT" in text
    last = "Dec 31 23:59:59 2049" if family == "cps" else "Jan  1 00:00:00 2050"  # the last day of the card
    assert f"Not After : {last} GMT" in text
    assert key in text
    assert "X509v3 Subject Key Identifier" in text
    assert "X509v3 Authority Key Identifier" in text


@pytest.mark.interop
def test_openssl_reads_the_authorities(
    tmp_path: Path, openssl: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Authorities are limited to holders, and every name says TEST."""
    new_pki().export_trust(tmp_path)
    for name, path_length, subject in (
        ("root.pem", 1, "TEST AC RACINE IGC-SIM FORT"),
        ("authorities/cps.pem", 0, "TEST AC IGC-SIM FORT PERSONNES"),
        ("authorities/vitale.pem", 0, "TEST AC IGC-SIM VITALE"),
        ("authorities/facturation.pem", 0, "TEST AC-FACTURATION IGC-SIM"),
    ):
        text = openssl("x509", "-in", name, "-noout", "-text").stdout
        assert f"CA:TRUE, pathlen:{path_length}\n" in text
        assert "Key Usage: critical\n                Certificate Sign, CRL Sign\n" in text
        assert f"Subject: C = FR, O = FSE-SIM TEST, CN = {subject}\n" in text
    for label in ("root", *FAMILIES):
        text = openssl("crl", "-in", f"crl/{label}.pem", "-noout", "-text").stdout
        assert "Next Update: Jan  1 00:00:00 2050 GMT" in text
        assert "X509v3 CRL Number: \n                1\n" in text


def snapshot(seed: str) -> list[bytes]:
    """Return everything that a seed gives: authorities, lists, cards, parties."""
    pki = new_pki(seed)
    card = pki.issue_cps(demo_wallet().cps["medecin"])
    family = pki.issue_vitale(demo_wallet().vitale["dutest"])
    party = pki.issue_billing_party("biller", "629990003", "PMI simulée")
    pki.revoke(family.certificate, NOW)
    keys = [key_to_pem(card.private_key), key_to_pem(family.private_key), party.key_pem]
    certificates = [pem(one) for one in (pki.root, card.certificate, family.certificate, party.certificate)]
    lists = [one.public_bytes(Encoding.PEM) for one in pki._state.revocation_lists.values()]  # noqa: SLF001 - compared whole
    return [*keys, *certificates, *lists, card.transmit(bytes.fromhex("0084000020"))]


def test_one_seed_replays_everything() -> None:
    """Equal seeds give equal bytes (keys, certificates, lists, challenges); another seed shares none of them."""
    first = snapshot("one")
    assert first == snapshot("one")
    assert not set(first) & set(snapshot("two"))


def test_one_more_card_changes_no_other() -> None:
    """The keys of a card depend on its holder and on its rank, not on the order of issue."""
    wallet = demo_wallet().vitale
    alone = new_pki().issue_vitale(wallet["dutest"])
    pki = new_pki()
    pki.issue_vitale(wallet["lexemple"])
    after = pki.issue_vitale(wallet["dutest"])
    assert pem(alone.certificate) == pem(after.certificate)


def test_a_second_card_has_another_key() -> None:
    """Who gets a replacement gets a new key and a new serial number."""
    pki = new_pki()
    first, second = (pki.issue_vitale(demo_wallet().vitale["dutest"]).certificate for _ in range(2))
    assert first.serial_number != second.serial_number
    assert first.public_key() != second.public_key()


def test_without_a_seed_nothing_repeats() -> None:
    """The system's randomness gives new authorities, cards and parties each time."""
    first, second = (TestPki.create(SystemRandomness(), now=NOW) for _ in range(2))
    assert first.root.public_key() != second.root.public_key()
    card, other = (pki.issue_cps(demo_wallet().cps["medecin"]) for pki in (first, second))
    assert card.certificate.public_key() != other.certificate.public_key()


@pytest.mark.parametrize(
    "now", [NOW.replace(tzinfo=None), datetime(2014, 12, 31, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)]
)
def test_the_instant_of_creation_must_be_usable(now: datetime) -> None:
    """A naive instant, or one outside the validity of the certificates, is refused."""
    with pytest.raises(PkiInvalid, match="now"):
        TestPki.create(SystemRandomness(), now=now)


@pytest.mark.parametrize(
    ("role", "code", "name", "place"),
    [
        ("caisse", "01999000", "trop court", "code"),
        ("caisse", "2A9990000", "pas des chiffres", "code"),
        ("biller", "62999000X", "pas un FINESS", "code"),
        ("biller", "629990003", "", "name"),
        ("biller", "629990003", "x" * 65, "name"),
    ],
)
def test_a_billing_party_is_checked(role: str, code: str, name: str, place: str) -> None:
    """A code or a name that cannot stand in a certificate is refused before a key is made."""
    with pytest.raises(PkiInvalid) as refused:
        new_pki().issue_billing_party(role, code, name)  # type: ignore[arg-type] # roles come from the table
    assert refused.value.place == place


def test_the_first_revocation_stays() -> None:
    """Revoking twice keeps the first date; the numbers of the lists go up."""
    pki = new_pki()
    certificate = pki.issue_vitale(demo_wallet().vitale["dutest"]).certificate
    pki.revoke(certificate, NOW)
    pki.revoke(certificate, NOW + timedelta(days=9))
    current = pki._state.revocation_lists["vitale"]  # noqa: SLF001 - the list itself
    assert [(one.serial_number, one.revocation_date_utc) for one in current] == [(certificate.serial_number, NOW)]
    assert current.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number == 3


def test_a_revocation_date_may_be_in_any_zone() -> None:
    """An instant of Paris is written as the same instant in UTC; a naive one is refused."""
    pki = new_pki()
    certificate = pki.issue_vitale(demo_wallet().vitale["dutest"]).certificate
    pki.revoke(certificate, NOW.astimezone(timezone(timedelta(hours=1))))
    (entry,) = pki._state.revocation_lists["vitale"]  # noqa: SLF001 - the list itself
    assert entry.revocation_date_utc == NOW
    with pytest.raises(PkiInvalid, match="at"):
        pki.revoke(certificate, NOW.replace(tzinfo=None))


def test_an_authority_is_revoked_by_the_root() -> None:
    """The certificate of an authority goes on the list of the root."""
    pki = new_pki()
    pki.revoke(pki.authority("cps"), NOW)
    (entry,) = pki._state.revocation_lists["root"]  # noqa: SLF001 - the list itself
    assert entry.serial_number == pki.authority("cps").serial_number


def test_a_foreign_certificate_cannot_be_revoked() -> None:
    """A second infrastructure with the same names is another one."""
    with pytest.raises(UnknownIssuer):
        new_pki().revoke(new_pki("foreign").issue_vitale(demo_wallet().vitale["dutest"]).certificate, NOW)


def test_a_saved_infrastructure_goes_on(tmp_path: Path) -> None:
    """Loaded again, it issues what it would have issued, keeps its revocations and its date; files are private."""
    profile = demo_wallet().vitale["dutest"]
    straight, interrupted = new_pki(), new_pki()
    for pki in (straight, interrupted):
        pki.revoke(pki.issue_vitale(profile).certificate, NOW)
    folder = tmp_path / "new" / "pki"
    interrupted.save(folder)
    loaded = TestPki.load(folder, SeededRandomness("pki"))
    assert pem(loaded.issue_vitale(profile).certificate) == pem(straight.issue_vitale(profile).certificate)
    assert loaded.created_at == NOW
    loaded.revoke(loaded.authority("vitale"), NOW)
    loaded.save(folder)
    again = TestPki.load(folder, SeededRandomness("pki"))
    assert {label: len(one) for label, one in again._state.revocation_lists.items()} == {  # noqa: SLF001 - counted
        "root": 1,
        "cps": 0,
        "vitale": 1,
        "facturation": 0,
    }
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*")) if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})
    assert {path.name for path in folder.parent.iterdir()} == {"pki"}


def test_a_trust_directory_holds_no_key(tmp_path: Path) -> None:
    """A verifier gets certificates and lists, at the agreed paths, and nothing else."""
    new_pki().export_trust(tmp_path / "trust")
    files = {str(path.relative_to(tmp_path / "trust")): path for path in tmp_path.rglob("*.pem")}
    lists = {f"crl/{label}.pem" for label in ("root", *FAMILIES)}
    assert files.keys() == {"root.pem", *(f"authorities/{family}.pem" for family in FAMILIES)} | lists
    assert not any(b"PRIVATE" in path.read_bytes() for path in files.values())


def test_another_infrastructure_is_not_overwritten(tmp_path: Path) -> None:
    """Saving or exporting over another infrastructure, or over somebody's folder, changes nothing."""
    new_pki().save(tmp_path / "pki")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    for write in (new_pki("other").save, new_pki("other").export_trust):
        with pytest.raises(FolderTaken, match=r"root\.pem"):
            write(tmp_path / "pki")
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.pem")}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Bonjour")
    with pytest.raises(FolderTaken):
        new_pki().save(tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("root.pem", b"nothing"),
        ("authorities/cps.pem", None),
        ("keys/vitale.pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        ("crl/root.pem", b"nothing"),
        ("state.json", b"{"),
        ("state.json", b"[]"),
        ("state.json", b'{"created_at": "2025-03-04T09:00:00+00:00", "issued": {"cps": "2"}}'),
        ("state.json", b'{"created_at": "2025-03-04T09:00:00+00:00", "issued": {"cps": 0}}'),
        ("state.json", b'{"created_at": "2025-03-04T09:00:00+00:00", "issued": []}'),
        ("state.json", b'{"created_at": 3, "issued": {}}'),
    ],
)
def test_a_damaged_infrastructure_is_named(name: str, content: bytes | None, tmp_path: Path) -> None:
    """A file that is missing or malformed is named with its path."""
    folder = tmp_path / "pki"
    new_pki().save(folder)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(PkiInvalid) as refused:
        TestPki.load(folder, SystemRandomness())
    assert refused.value.place == str(folder / name)


@pytest.mark.parametrize(("source", "target"), [("keys/cps.pem", "keys/vitale.pem"), ("crl/cps.pem", "crl/root.pem")])
def test_files_that_do_not_fit_are_named(source: str, target: str, tmp_path: Path) -> None:
    """A key or a list of another authority is refused, though well formed."""
    folder = tmp_path / "pki"
    new_pki().save(folder)
    (folder / target).write_bytes((folder / source).read_bytes())
    with pytest.raises(PkiInvalid) as refused:
        TestPki.load(folder, SystemRandomness())
    assert refused.value.place == str(folder / target)


def test_an_authority_key_is_a_curve_key(tmp_path: Path) -> None:
    """An RSA key in the place of an authority's is refused."""
    pki = new_pki()
    pki.save(tmp_path / "pki")
    party = TestPki.create(SystemRandomness(), now=NOW).issue_billing_party("caisse", "019990000", "CPAM simulée")
    (tmp_path / "pki/keys/cps.pem").write_bytes(party.key_pem)
    with pytest.raises(PkiInvalid, match=r"cps\.pem"):
        TestPki.load(tmp_path / "pki", SystemRandomness())


def test_rights_are_in_the_certificate() -> None:
    """A card without the right to sign says so in its certificate, whatever its data say."""
    profile = replace(demo_wallet().cps["medecin_sans_droit"], may_sign_lot=True)
    certificate = TestPki.create(SystemRandomness(), now=NOW).issue_cps(profile).certificate
    assert certificate.public_bytes(Encoding.DER).count(b"\x01\x01\x00\x01\x01\xff") == 1
