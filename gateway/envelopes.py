"""
What travels: gzip, then CMS EnvelopedData (RFC 5652) for one recipient, AES-256 in CBC mode, RSA key transport.

Who carries an envelope cannot read it. The ciphertext takes its randomness from the system, always: an envelope cannot
be made twice alike, which is why the one that was made is stored and sent again as it is.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options, pkcs7_decrypt_der

from fse.sealed_file import MAX_FILE_BYTES
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from gateway.party import Party

__all__ = ["MAX_ENVELOPE_BYTES", "EnvelopeError", "make_envelope", "open_envelope"]

MAX_ENVELOPE_BYTES = 8_000_000
"""Largest envelope that is received, in bytes: compressed sheets take a third of the largest lot."""


class EnvelopeError(GatewayError):
    """An envelope that cannot be opened; which step failed is not said, on purpose."""

    default_rule = "ENVELOPE"


def make_envelope(data: bytes, recipient: Certificate) -> bytes:
    """Return ``data`` compressed and enveloped for ``recipient`` (DER)."""
    return (
        PKCS7EnvelopeBuilder()
        .set_data(gzip.compress(data, mtime=0))
        .set_content_encryption_algorithm(algorithms.AES256)
        .add_recipient(recipient)
        .encrypt(Encoding.DER, [PKCS7Options.Binary])
    )


def open_envelope(envelope: bytes, owner: Party) -> bytes:
    """
    Return what ``envelope`` holds, at most :data:`fse.sealed_file.MAX_FILE_BYTES` bytes of it.

    Raises :class:`EnvelopeError`, one and the same for every failure: padding, key, compression, size.
    """
    try:
        if len(envelope) > MAX_ENVELOPE_BYTES:
            raise EnvelopeError
        packed = pkcs7_decrypt_der(envelope, owner.certificate, owner.key, [])
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        data = unpacker.decompress(packed, MAX_FILE_BYTES)
    except (ValueError, TypeError, UnsupportedAlgorithm, zlib.error):
        raise EnvelopeError from None
    if not unpacker.eof or unpacker.unused_data:
        raise EnvelopeError
    return data
