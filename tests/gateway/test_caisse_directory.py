"""The directory of the caisses' certificates: found by address, and only valid ones of caisses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from fse.errors import FseError
from fse.trust import TrustError, TrustStore
from gateway.caisse_directory import CaisseDirectory
from gateway.errors import GatewayError
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, TUESDAY

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.x509 import Certificate

ARTOIS_ADDRESS, OPALE_ADDRESS = "01999@999.01.rss.test", "01998@998.01.rss.test"


def put(folder: Path, **certificates: Certificate) -> Path:
    """Write certificates into ``folder``."""
    for name, certificate in certificates.items():
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    return folder


def refusal(directory: CaisseDirectory, address: str, at: datetime = TUESDAY) -> FseError:
    """Return why ``directory`` gives no certificate for ``address``."""
    with pytest.raises(FseError) as refused:
        directory.find(address, build.trust(), at)
    return refused.value


def test_a_certificate_is_found_by_address(tmp_path: Path) -> None:
    """Each address gives the certificate of its caisse, whatever the names of the files."""
    artois, opale = build.party(ARTOIS).certificate, build.party(OPALE).certificate
    directory = CaisseDirectory.load(put(tmp_path, b=artois, a=opale))
    assert directory.find(ARTOIS_ADDRESS, build.trust(), TUESDAY) == artois
    assert directory.find(OPALE_ADDRESS, build.trust(), TUESDAY) == opale


def test_an_unknown_address_has_none(tmp_path: Path) -> None:
    """MAIL-CERTIFICATE-NONE names the address: nothing leaves for it."""
    error = refusal(CaisseDirectory.load(put(tmp_path, a=build.party(ARTOIS).certificate)), OPALE_ADDRESS)
    assert (error.rule.id, error.facts) == ("MAIL-CERTIFICATE-NONE", {"address": OPALE_ADDRESS})


def test_the_highest_serial_among_the_valid_counts(tmp_path: Path) -> None:
    """The real directory's rule; a stranger's certificate for the same address never counts, however high."""
    pki = build.new_pki()
    ours = [build.party(ARTOIS).certificate, pki.issue_billing_party("caisse", ARTOIS, "CPAM").certificate]
    strangers = [build.party(ARTOIS, seed=f"stranger {rank}").certificate for rank in range(3)]
    folder = put(tmp_path, **{f"c{rank}": one for rank, one in enumerate([*ours, *strangers])})
    found = CaisseDirectory.load(folder).find(ARTOIS_ADDRESS, build.trust(), TUESDAY)
    assert found == max(ours, key=lambda one: one.serial_number)


def test_expired_unknown_and_revoked_are_refused_by_name(tmp_path: Path) -> None:
    """TRUST-PERIOD, TRUST-UNKNOWN and TRUST-REVOKED say why the one certificate of an address is of no use."""
    certificate = build.party(ARTOIS).certificate
    directory = CaisseDirectory.load(put(tmp_path, a=certificate))
    late = certificate.not_valid_after_utc + timedelta(days=1)
    assert refusal(directory, ARTOIS_ADDRESS, late).rule.id == "TRUST-PERIOD"
    assert refusal(directory, ARTOIS_ADDRESS, datetime(1999, 1, 1, tzinfo=UTC)).rule.id == "TRUST-PERIOD"
    stranger = put(tmp_path, a=build.party(ARTOIS, seed="stranger").certificate)
    assert refusal(CaisseDirectory.load(stranger), ARTOIS_ADDRESS).rule.id == "TRUST-UNKNOWN"
    pki = build.new_pki()
    revoked = pki.issue_billing_party("caisse", ARTOIS, "CPAM").certificate
    pki.revoke(revoked, TUESDAY - timedelta(days=1))
    directory, store = CaisseDirectory.load(put(tmp_path, a=revoked)), TrustStore.load(build.trust_files(pki))
    with pytest.raises(TrustError) as refused:
        directory.find(ARTOIS_ADDRESS, store, TUESDAY)
    assert refused.value.rule.id == "TRUST-REVOKED"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "ValueError"),
        (b"not a certificate", "ValueError"),
        (build.vitale().certificate.public_bytes(Encoding.PEM), "HOLDER-FORM"),
        (build.party(build.BILLER).certificate.public_bytes(Encoding.PEM), "biller"),
    ],
    ids=["empty", "text", "a Vitale", "a biller"],
)
def test_what_is_no_certificate_of_a_caisse_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """MAIL-CERTIFICATE-FILE: of another family, of another role, or no certificate; the file is named."""
    (tmp_path / "x.pem").write_bytes(content)
    with pytest.raises(GatewayError) as refused:
        CaisseDirectory.load(tmp_path)
    assert refused.value.rule.id == "MAIL-CERTIFICATE-FILE"
    assert refused.value.facts == {"file": "x.pem", "reason": reason}
