"""
OpenSC's `iasecc` driver takes the emulated CPS, in the IAS-ECC dialect and with the ATR of the CPS3, for a CPx.

Where it stops (OpenSC 0.23 of Debian 12): the driver itself, built with OpenSSL 3, gives up a signature with
CPS_PRIV_SIG, because it cannot hand over a hash that is not finished (`iasecc_qsign_data_sha256`: not supported); no
command fails, PSO HASH is never sent. Unblocking stops at `00 2C 02 01`, a new PIN without the PUK, which we refuse.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from card_sim.cps import CpsCard
from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.interop.conftest import Ask, Insert

pytestmark = pytest.mark.interop

READER = ("-r", "0")
DIGEST_INFO = bytes.fromhex("3031300D060960864801650304020105000420")


class Recorded:
    """A card that remembers what it was asked and how it answered."""

    def __init__(self, card: CpsCard) -> None:
        self.card = card
        self.atr = card.atr
        self.reset = card.reset
        self.dialogue: list[tuple[bytes, bytes]] = []

    def transmit(self, command: bytes) -> bytes:
        """Answer ``command``."""
        answer = self.card.transmit(command)
        self.dialogue.append((command, answer[-2:]))
        return answer

    def asked(self, header: str) -> list[str]:
        """Return the status words of the commands that begin with ``header``."""
        start = bytes.fromhex(header)
        return [status.hex() for command, status in self.dialogue if command.startswith(start)]

    def refused(self) -> list[tuple[str, str]]:
        """Return the headers and status words of the commands that the card did not carry out."""
        good = {0x90, 0x61, 0x62, 0x63}
        return [(command[:4].hex(), status.hex()) for command, status in self.dialogue if status[0] not in good]


@cache
def issued() -> CpsCard:
    """Return the card whose keys the others share: keys are slow to make."""
    pki = TestPki.create(SeededRandomness("opensc"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(replace(demo_wallet().cps["medecin"], dialect="iasecc"))


@pytest.fixture
def recorded(insert: Insert) -> Recorded:
    """Return a CPS with all its tries, in slot 0 of the reader."""
    one = issued()
    card = CpsCard(
        one.profile,
        one.private_key,
        one.certificate,
        one.issuer_certificate,
        challenges=SeededRandomness("opensc").stream("challenges"),
        authentication=one.authentication,
    )
    new = Recorded(card)
    insert(new)
    return new


@pytest.fixture
def login(recorded: Recorded, outside_library: Callable[[str, str], str]) -> tuple[str, ...]:
    """Return the arguments that give pkcs11-tool the module of OpenSC and the PIN."""
    module = outside_library("*/opensc-pkcs11.so", "opensc-pkcs11")
    return "--module", module, "--login", "--pin", recorded.card.profile.pin


def test_the_driver_is_that_of_ias_ecc(recorded: Recorded, ask: Ask) -> None:
    """The ATR of the CPS3 and EF.ATR are enough for the driver, which reads the serial number where it looks for it."""
    assert ask("opensc-tool", *READER, "-n").strip() == "IAS-ECC"
    assert ask("opensc-tool", *READER, "--serial").startswith("00 00 01 99 70 00 00 01")
    assert recorded.refused() == []


def test_the_content_is_listed(recorded: Recorded, ask: Ask) -> None:
    """pkcs15-tool shows codes, keys, certificates and data of the application below 3F00; nothing is refused."""
    dump = ask("pkcs15-tool", *READER, "--dump")
    for kind, count in {"PIN [": 2, "Private RSA Key [": 2, "X.509 Certificate [": 3, "Data object '": 7}.items():
        assert dump.count(kind) == count
    certificate = recorded.card.certificate.public_bytes(Encoding.PEM).decode()
    assert ask("pkcs15-tool", *READER, "--read-certificate", "45") == certificate
    assert recorded.refused() == []


def test_the_pin_opens_the_billing_situation(recorded: Recorded, ask: Ask) -> None:
    """The driver reads the counters of the PIN by GET DATA, verifies it, and reads what it protects; a change works."""
    given = ask("pkcs15-tool", *READER, "--verify-pin", "--pin", "1234", "--read-data-object", "CPS_SIT_FACT")
    assert recorded.card.profile.structures[0].encode().hex(" ").upper() in given
    assert set(recorded.asked("00CB3FFF0A4D087006BF810102A080")) == {"611a"}
    ask("pkcs15-tool", *READER, "--change-pin", "--auth-id", "01", "--pin", "1234", "--new-pin", "0007")
    assert recorded.card.profile.pin == "0007"
    for _ in range(3):
        ask("pkcs15-tool", *READER, "--verify-pin", "--pin", "9999", fails=True)
    assert recorded.card.pin.tries_left == 0


def test_openssl_verifies_an_authentication(
    recorded: Recorded, login: tuple[str, ...], ask: Ask, tmp_path: Path
) -> None:
    """CPS_PRIV_AUTH signs through PKCS #11 (INTERNAL AUTHENTICATE), and openssl accepts it."""
    second = recorded.card.authentication
    assert second is not None
    (tmp_path / "message").write_bytes(b"un appel")
    (tmp_path / "info").write_bytes(DIGEST_INFO + sha256(b"un appel").digest())
    public = second.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    ask("pkcs11-tool", *login, "--sign", "--id", "46", "-m", "RSA-PKCS", "-i", "info", "-o", "signature")
    verified = ask("openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message")
    assert "Verified OK" in verified
    assert recorded.asked("00880000") == ["6100"]


def test_where_a_signature_stops(recorded: Recorded, login: tuple[str, ...], ask: Ask, tmp_path: Path) -> None:
    """For CPS_PRIV_SIG the driver sets hash and key, then gives up before PSO HASH; the card refused nothing."""
    (tmp_path / "message").write_bytes(b"une feuille de soins")
    signing = ("--sign", "--id", "45", "-m", "SHA256-RSA-PKCS", "-i", "message", "-o", "signature")
    assert "CKR_FUNCTION_NOT_SUPPORTED" in ask("pkcs11-tool", *login, *signing, fails=True)
    assert set(recorded.asked("002241AA03800140")) == {"9000"}
    assert set(recorded.asked("002241B606840181800142")) == {"9000"}
    assert recorded.asked("002A") == []
    assert recorded.refused() == []


def test_where_unblocking_stops(recorded: Recorded, ask: Ask) -> None:
    """The driver wants to set a new PIN without giving the PUK: the card refuses that, first and only."""
    unblock = ("--unblock-pin", "--auth-id", "01", "--new-pin", "4321", "--puk", "12345678")
    ask("pkcs15-tool", *READER, *unblock, fails=True)
    assert recorded.refused() == [("002c0201", "6a86")]
    assert recorded.card.pin.unblocks_left == 10
