"""Signatures of the cards, judged by cryptography and by openssl."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from card_sim.pki import TestPki
from card_sim.randomness import SeededRandomness
from card_sim.wallet import demo_wallet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from card_sim.cps import CpsCard
    from card_sim.vitale import VitaleCard

MESSAGE = b"une feuille de soins"
DIGEST = sha256(MESSAGE).digest()
DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420") + DIGEST


@cache
def cps() -> CpsCard:
    """Return a CPS."""
    pki = TestPki.create(SeededRandomness("signature"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_cps(demo_wallet().cps["medecin"])


@cache
def vitale() -> VitaleCard:
    """Return a Vitale card."""
    pki = TestPki.create(SeededRandomness("signature"), now=datetime(2025, 3, 4, tzinfo=UTC))
    return pki.issue_vitale(demo_wallet().vitale["dutest"])


def sign(card: CpsCard | VitaleCard, to_sign: bytes) -> bytes:
    """Return the answer of a CPS (PIN given) or a Vitale card to a whole signature dialogue."""
    card.reset()
    card.transmit(bytes.fromhex("0020000104") + b"1234")
    algorithm = 0x11 if isinstance(card.private_key, rsa.RSAPrivateKey) else 0x21
    assert card.transmit(bytes.fromhex("002241B606") + bytes((0x80, 1, algorithm, 0x84, 1, 1))).hex() == "9000"
    return card.transmit(bytes((0, 0x2A, 0x9E, 0x9A, len(to_sign))) + to_sign + b"\x00")


def test_the_cps_signs_as_pkcs1_says() -> None:
    """The CPS pads a DigestInfo itself: its signature is RSASSA-PKCS1-v1_5 over the message."""
    answer = sign(cps(), DIGEST_INFO)
    assert answer[-2:].hex() == "9000"
    public = cps().certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    public.verify(answer[:-2], MESSAGE, padding.PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        public.verify(answer[:-2], MESSAGE + b"!", padding.PKCS1v15(), SHA256())


def test_the_vitale_card_signs_with_ecdsa() -> None:
    """The Vitale card signs a digest without PIN; two signatures of the same digest are equal (RFC 6979)."""
    answer = sign(vitale(), DIGEST)
    assert answer == sign(vitale(), DIGEST)
    public = vitale().certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(answer[:-2], MESSAGE, ec.ECDSA(SHA256()))


@pytest.mark.interop
@pytest.mark.parametrize("family", ["cps", "vitale"])
def test_openssl_accepts_the_signatures(family: str, tmp_path: Path, outside_program: Callable[[str], str]) -> None:
    """Openssl, which knows nothing of us, verifies what both cards sign."""
    card = cps() if family == "cps" else vitale()
    signature = sign(card, DIGEST_INFO if family == "cps" else DIGEST)[:-2]
    public = card.certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in {"key.pem": public, "signature": signature, "message": MESSAGE}.items():
        (tmp_path / name).write_bytes(content)
    command = ["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "message"]
    done = subprocess.run(
        [outside_program("openssl"), *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "Verified OK\n"


@pytest.mark.parametrize(
    "to_sign",
    [
        DIGEST,
        DIGEST_INFO[:-1],
        DIGEST_INFO + b"\x00",
        bytes.fromhex("3021300906052b0e03021a05000414") + bytes(20),
        b"\x31" + DIGEST_INFO[1:],
    ],
)
def test_the_cps_signs_nothing_but_a_sha256_digest_info(to_sign: bytes) -> None:
    """A CPS cannot be made to sign raw bytes or another hash (6A80)."""
    assert sign(cps(), to_sign).hex() == "6a80"


@pytest.mark.parametrize("size", [1, 20, 31, 33, 48])
def test_the_vitale_card_signs_nothing_but_a_digest(size: int) -> None:
    """A Vitale card signs 32 bytes exactly (6A80)."""
    assert sign(vitale(), bytes(size)).hex() == "6a80"


def test_an_environment_that_is_refused_does_not_stay() -> None:
    """A wrong MSE SET drops the environment that was set before: the next signature is refused (6985)."""
    sign(vitale(), DIGEST)
    assert vitale().transmit(bytes.fromhex("002241B606800111840101")).hex() == "6a80"
    assert vitale().transmit(bytes.fromhex("002A9E9A20") + DIGEST + b"\x00").hex() == "6985"


def test_a_signature_of_nothing_is_malformed() -> None:
    """PSO without data is refused with 6700; with a Le too small the card says the right one (6C00 is 256)."""
    sign(cps(), DIGEST_INFO)
    assert cps().transmit(bytes.fromhex("002A9E9A00")).hex() == "6700"
    assert cps().transmit(bytes.fromhex("002A9E9A33") + DIGEST_INFO + b"\x80").hex() == "6c00"
