"""Revocation lists from the issuer's counter to a verifier's folder: served, fetched, judged, never taken back."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from fse.errors import FseError
from fse.trust import TrustError
from gateway.cli.trust import app
from gateway.errors import GatewayError
from gateway.revocation import refresh_lists
from gateway.simulator.revocation_http import revocation_app
from gateway.simulator.server import LocalServer
from gateway.trust_folder import read_trust
from tests.fse.sheet_builders import NOW, OURS, THEIRS, cps, new_pki, signer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from card_sim.pki import TestPki

FAMILIES = ("cps", "vitale", "facturation")


class Issuer:
    """What the issuer serves now: the lists of ``pki``, or a content of one's own."""

    def __init__(self) -> None:
        self.pki: TestPki = new_pki()
        self.served: dict[str, bytes] = {}

    def current(self, name: str) -> bytes | None:
        """Return the list ``name``."""
        return self.served.get(name)

    def publish(self, pki: TestPki, folder: Path) -> None:
        """Serve the lists of ``pki``, as it exports them."""
        pki.export_trust(folder)
        store = read_trust(folder)
        self.served = {name: store.revocations[name].public_bytes(Encoding.DER) for name in FAMILIES}


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[tuple[Issuer, str]]:
    """Return an issuer and its address."""
    one = Issuer()
    one.publish(one.pki, tmp_path / "issuer")
    server = LocalServer(revocation_app(one.current))
    yield one, server.url
    server.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a verifier's folder with the first lists."""
    new_pki().export_trust(tmp_path / "verifier")
    return tmp_path / "verifier"


def test_a_revocation_reaches_the_verifier(
    issuer: tuple[Issuer, str], folder: Path, tmp_path: Path, outside_program: Callable[[str], str]
) -> None:
    """Protects the way of a revocation: believed before the list comes, refused after; openssl verifies it."""
    one, address = issuer
    card, at = cps().certificate, datetime(2025, 3, 1, tzinfo=UTC)
    assert refresh_lists(folder, address) == ()
    one.pki.revoke(card, at)
    one.publish(one.pki, tmp_path / "issuer")
    read_trust(folder).check(card, signer(cps()).issuer, "cps", NOW)
    assert refresh_lists(folder, address) == ("cps",)
    with pytest.raises(TrustError) as caught:
        read_trust(folder).check(card, signer(cps()).issuer, "cps", NOW)
    assert caught.value.rule.id == "TRUST-REVOKED"
    (tmp_path / "cps.crl").write_bytes(one.served["cps"])
    command = [outside_program("openssl"), "crl", "-inform", "DER", "-in", str(tmp_path / "cps.crl"), "-noout", "-text"]
    command += ["-CAfile", str(folder / "authorities" / "cps.pem")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "verify OK" in done.stderr
    assert f"{card.serial_number:X}".lstrip("0") in done.stdout.replace(":", "")
    assert refresh_lists(folder, address) == ()


def test_an_older_list_is_never_taken(issuer: tuple[Issuer, str], folder: Path, tmp_path: Path) -> None:
    """Protects from a rollback: a card that is revoked does not come back by an old list."""
    one, address = issuer
    old = dict(one.served)
    one.pki.revoke(cps().certificate, NOW)
    one.publish(one.pki, tmp_path / "issuer")
    refresh_lists(folder, address)
    one.served = old
    with pytest.raises(TrustError) as caught:
        refresh_lists(folder, address)
    assert caught.value.rule.id == "TRUST-LIST-BACK"
    assert len(read_trust(folder).revocations["cps"]) == 1


@pytest.mark.parametrize("wrong", ["foreign", "noise", "too long", "gone"])
def test_what_is_not_the_issuers_changes_nothing(
    wrong: str, issuer: tuple[Issuer, str], folder: Path, tmp_path: Path
) -> None:
    """Protects the folder: a foreign list, noise, a flood or a silence is named, and not one file is touched."""
    one, address = issuer
    one.pki.revoke(cps().certificate, NOW)
    one.publish(one.pki, tmp_path / "issuer")
    if wrong == "foreign":
        new_pki(THEIRS).export_trust(tmp_path / "theirs")
        theirs = read_trust(tmp_path / "theirs")
        one.served["facturation"] = theirs.revocations["facturation"].public_bytes(Encoding.DER)
    elif wrong == "gone":
        del one.served["facturation"]
    else:
        one.served["facturation"] = b"\x30\x00" if wrong == "noise" else bytes(1_000_001)
    before = {path: path.read_bytes() for path in folder.rglob("*.pem")}
    with pytest.raises(FseError) as caught:
        refresh_lists(folder, address)
    assert caught.value.rule.id == ("TRUST-STORE" if wrong in {"foreign", "noise"} else "REVOCATION-FETCH")
    assert {path: path.read_bytes() for path in folder.rglob("*.pem")} == before


def test_nobody_at_the_address_and_a_real_address_are_told(folder: Path) -> None:
    """Protects the operator: a refused connection is REVOCATION-FETCH; a real address is never asked."""
    with pytest.raises(GatewayError) as caught:
        refresh_lists(folder, "http://127.0.0.1:9")
    assert caught.value.rule.id == "REVOCATION-FETCH"
    with pytest.raises(FseError) as refused:
        refresh_lists(folder, "http://annuaire.sesam-vitale.fr")
    assert refused.value.rule.id == "ADDRESS-REAL"


def test_a_list_without_a_number_is_shown_as_number_0(folder: Path) -> None:
    """Protects `fse trust show` from a list that says no number (its authority has signed it all the same)."""
    pki = new_pki(OURS)
    authority = pki._state.authorities["cps"]  # noqa: SLF001 - no list of ours goes without a number
    builder = x509.CertificateRevocationListBuilder().issuer_name(authority.certificate.subject)
    bare = builder.last_update(NOW).next_update(datetime(2050, 1, 1, tzinfo=UTC)).sign(authority.private_key, SHA256())
    (folder / "crl" / "cps.pem").write_bytes(bare.public_bytes(Encoding.PEM))
    shown = CliRunner().invoke(app, ["show", "--trust", str(folder)])
    assert shown.exit_code == 0, shown.exception
    assert re.search(r"cps\s*│[^│]*│ 0 ", shown.output)


def test_the_commands_show_and_refresh(issuer: tuple[Issuer, str], folder: Path) -> None:
    """Protects `fse trust`: number, next update and count of each list; a second refresh says that nothing changed."""
    shown = CliRunner().invoke(app, ["show", "--trust", str(folder)])
    assert (shown.exit_code, shown.output.count("01/01/2050")) == (0, 3)
    done = CliRunner().invoke(app, ["refresh", issuer[1], "--trust", str(folder)])
    assert (done.exit_code, "déjà à jour" in done.output) == (0, True)
