"""The keys of cards, authorities and billing parties: made, written and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from card_sim.primes import PUBLIC_EXPONENT, prime
from card_sim.randomness import integer_below

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from card_sim.randomness import Randomness

__all__ = ["RSA_BITS", "CardKey", "belongs_to", "curve_key", "key_from_pem", "key_to_pem", "rsa_key"]

CardKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

RSA_BITS = 2048
_ORDER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-5, SP 800-186


def rsa_key(randomness: Randomness, label: str) -> rsa.RSAPrivateKey:
    """Return an RSA key of 2048 bits: the system's, or with a seed the one that ``label`` always gives."""
    if not randomness.seeded:
        return rsa.generate_private_key(PUBLIC_EXPONENT, RSA_BITS)
    stream = randomness.stream(label)
    p, q = prime(RSA_BITS // 2, stream), prime(RSA_BITS // 2, stream)
    d = pow(PUBLIC_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p=p,
        q=q,
        d=d,
        dmp1=rsa.rsa_crt_dmp1(d, p),
        dmq1=rsa.rsa_crt_dmq1(d, q),
        iqmp=rsa.rsa_crt_iqmp(p, q),
        public_numbers=rsa.RSAPublicNumbers(PUBLIC_EXPONENT, p * q),
    )
    # The validation that is skipped takes 33 ms a key; the numbers were made two lines above.
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def curve_key(randomness: Randomness, label: str) -> ec.EllipticCurvePrivateKey:
    """Return a P-256 key: the system's, or with a seed the one that ``label`` always gives."""
    if not randomness.seeded:
        return ec.generate_private_key(ec.SECP256R1())
    return ec.derive_private_key(integer_below(_ORDER_OF_P256, randomness.stream(label)), ec.SECP256R1())


def key_to_pem(key: CardKey) -> bytes:
    """Return the private key as PEM (PKCS #8, not encrypted: it is a test key in a private file)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def key_from_pem(pem: bytes) -> CardKey:
    """Return the private key of ``pem``; ValueError when that is not an RSA key of 2048 bits or a P-256 key."""
    try:
        key = load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = "not a private key in PEM, without password"
        raise ValueError(message) from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size == RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    message = "neither an RSA key of 2048 bits nor a P-256 key"
    raise ValueError(message)


def belongs_to(key: CardKey, certificate: Certificate) -> bool:
    """Tell whether ``certificate`` certifies the public half of ``key``."""
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)
