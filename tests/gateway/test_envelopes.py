"""Envelopes: any CMS program opens them; whoever alters one on its way learns nothing from the answer."""

from __future__ import annotations

import gzip
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.ciphers import algorithms
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from hypothesis import given, settings
from hypothesis import strategies as st

from fse.sealed_file import MAX_FILE_BYTES
from gateway.envelopes import MAX_ENVELOPE_BYTES, EnvelopeError, make_envelope, open_envelope
from tests.fse import sheet_builders as build
from tests.gateway.bench import ARTOIS, OPALE, party_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CONTENT = b"a signed lot" * 100


def _enveloped(packed: bytes) -> bytes:
    """Return any bytes in an envelope for the Artois, not compressed by us."""
    return (
        PKCS7EnvelopeBuilder()
        .set_data(packed)
        .set_content_encryption_algorithm(algorithms.AES256)
        .add_recipient(build.party(ARTOIS).certificate)
        .encrypt(Encoding.DER, [PKCS7Options.Binary])
    )


def _refused(envelope: bytes, code: str = ARTOIS) -> None:
    with pytest.raises(EnvelopeError) as refusal:
        open_envelope(envelope, party_of(build.party(code)))
    assert (refusal.value.rule.id, refusal.value.facts) == ("ENVELOPE", {})
    assert refusal.value.__cause__ is None


def _write_party(folder: Path) -> list[str]:
    party = build.party(ARTOIS)
    (folder / "key.pem").write_bytes(party.key_pem)
    (folder / "cert.pem").write_bytes(party.certificate.public_bytes(Encoding.PEM))
    return ["-recip", str(folder / "cert.pem"), "-inkey", str(folder / "key.pem")]


@pytest.mark.interop
def test_openssl_opens_our_envelope(tmp_path: Path, outside_program: Callable[[str], str]) -> None:
    """OpenSSL decrypts what we envelope, says AES-256, and finds the gzip of the content."""
    envelope = tmp_path / "envelope.der"
    envelope.write_bytes(make_envelope(CONTENT, build.party(ARTOIS).certificate))
    openssl, keys = outside_program("openssl"), _write_party(tmp_path)
    run = [openssl, "cms", "-decrypt", "-inform", "DER", "-in", str(envelope), "-binary", *keys]
    assert gzip.decompress(subprocess.run(run, check=True, capture_output=True).stdout) == CONTENT
    show = [openssl, "cms", "-cmsout", "-print", "-inform", "DER", "-in", str(envelope)]
    assert "aes-256-cbc" in subprocess.run(show, check=True, capture_output=True, text=True).stdout


@pytest.mark.interop
@pytest.mark.parametrize("cipher", ["-aes256", "-aes128"])
def test_we_open_what_openssl_makes(tmp_path: Path, outside_program: Callable[[str], str], cipher: str) -> None:
    """An envelope made by another program for our certificate is opened."""
    _write_party(tmp_path)
    run = [outside_program("openssl"), "cms", "-encrypt", "-binary", "-outform", "DER", cipher]
    run += [str(tmp_path / "cert.pem")]
    made = subprocess.run(run, input=gzip.compress(CONTENT), check=True, capture_output=True).stdout
    assert open_envelope(made, party_of(build.party(ARTOIS))) == CONTENT


@pytest.mark.interop
@pytest.mark.parametrize(
    "options",
    [["-des3"], ["-aes-256-cbc", "-keyopt", "rsa_padding_mode:oaep"], ["-aes-256-gcm"]],
    ids=["3DES", "OAEP", "GCM"],
)
def test_other_algorithms_are_refused_like_anything_else(
    tmp_path: Path, outside_program: Callable[[str], str], options: list[str]
) -> None:
    """Another cipher or padding than ours is no envelope: one error, never a crash."""
    _write_party(tmp_path)
    run = [outside_program("openssl"), "cms", "-encrypt", "-binary", "-outform", "DER"]
    padding = options[1:] if "-keyopt" in options else []
    run += [options[0], "-recip", str(tmp_path / "cert.pem"), *padding]
    made = subprocess.run(run, input=gzip.compress(CONTENT), check=True, capture_output=True).stdout
    _refused(made)


def test_two_envelopes_of_one_content_differ() -> None:
    """The ciphertext takes its randomness from the system: nobody sees that the same lot was sent twice."""
    certificate = build.party(ARTOIS).certificate
    assert make_envelope(CONTENT, certificate) != make_envelope(CONTENT, certificate)


def test_only_the_recipient_opens_it() -> None:
    """Another caisse, or the biller itself, cannot open what is enveloped for the Artois."""
    envelope = make_envelope(CONTENT, build.party(ARTOIS).certificate)
    assert open_envelope(envelope, party_of(build.party(ARTOIS))) == CONTENT
    _refused(envelope, OPALE)
    _refused(envelope, build.BILLER)


SPOILT = {
    "empty": b"",
    "not an envelope": b"PK\3\4 hello",
    "too large": b"\0" * (MAX_ENVELOPE_BYTES + 1),
    "not compressed": _enveloped(CONTENT),
    "bomb": _enveloped(gzip.compress(b"\0" * (MAX_FILE_BYTES + 1))),
    "truncated gzip": _enveloped(gzip.compress(CONTENT)[:-4]),
    "wrong checksum": _enveloped(gzip.compress(CONTENT)[:-8] + bytes(8)),
    "data after the gzip": _enveloped(gzip.compress(CONTENT) + b"more"),
    "two gzips": _enveloped(gzip.compress(CONTENT) * 2),
    "empty content": _enveloped(b""),
}


@pytest.mark.parametrize("envelope", SPOILT.values(), ids=SPOILT)
def test_every_failure_is_the_same_failure(envelope: bytes) -> None:
    """Key, padding, compression or size: one error without a fact, so that an answer is no oracle."""
    _refused(envelope)


def test_the_largest_file_still_passes() -> None:
    """The bound is on what comes out: a file of the largest size is opened, compressed as it is."""
    whole = _enveloped(gzip.compress(b"\0" * MAX_FILE_BYTES))
    assert len(open_envelope(whole, party_of(build.party(ARTOIS)))) == MAX_FILE_BYTES


ENVELOPE = make_envelope(CONTENT, build.party(ARTOIS).certificate)


@settings(max_examples=150)
@given(st.integers(min_value=0, max_value=len(ENVELOPE) * 8 - 1))
def test_a_flipped_bit_never_changes_the_content(bit: int) -> None:
    """One bit changed anywhere: the same refusal, or (in a field that nobody reads) the same content."""
    changed = bytearray(ENVELOPE)
    changed[bit // 8] ^= 1 << bit % 8
    with suppress(EnvelopeError):
        assert open_envelope(bytes(changed), party_of(build.party(ARTOIS))) == CONTENT


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    """Nothing that arrives makes the opener fail in any other way."""
    _refused(data)


@given(st.integers(min_value=0, max_value=len(ENVELOPE) - 1))
def test_a_truncated_envelope_is_refused(length: int) -> None:
    """Cut anywhere, an envelope is refused."""
    _refused(ENVELOPE[:length])
