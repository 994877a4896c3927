"""Seeded streams, primes and keys."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from hmac import digest
from math import isqrt
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from card_sim import primes
from card_sim.keys import curve_key, key_from_pem, key_to_pem, rsa_key
from card_sim.primes import is_probable_prime, prime
from card_sim.randomness import SeededRandomness, SystemRandomness, integer_below

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

P256_ORDER = 2**256 - 2**224 + 2**192 - 89188191075325690597107910205041859247


def test_a_stream_is_hmac_in_counter_mode() -> None:
    """The bytes of a stream are those that the written construction gives: a change would break every saved seed."""
    key = digest(sha256(b"fse-sim seed 7").digest(), b"cps:99700000013", "sha256")
    blocks = b"".join(digest(key, number.to_bytes(8, "big"), "sha256") for number in range(3))
    stream = SeededRandomness(7).stream("cps:99700000013")
    assert stream.read(40) + stream.read(0) + stream.read(50) == blocks[:90]


def test_streams_are_independent() -> None:
    """Label and seed both count; the type of the seed does not."""
    first = SeededRandomness(7).stream("a").read(32)
    assert first == SeededRandomness("7").stream("a").read(32)
    others = {SeededRandomness(7).stream("b").read(32), SeededRandomness(8).stream("a").read(32)}
    assert len(others | {first}) == 3


def test_the_system_never_repeats() -> None:
    """The system's streams are not seeded, and two reads differ."""
    randomness = SystemRandomness()
    assert not randomness.seeded
    assert randomness.stream("a").read(32) != randomness.stream("a").read(32)


@given(limit=st.integers(2, 2**300), seed=st.integers())
def test_integers_stay_in_their_range(limit: int, seed: int) -> None:
    """A secret number is never 0 nor the limit itself."""
    assert 1 <= integer_below(limit, SeededRandomness(seed).stream("n")) < limit


def test_primality_against_a_sieve() -> None:
    """Miller-Rabin agrees with trial division for every odd number below 20 000 that is not one of its bases."""
    odd = range(39, 20_000, 2)
    known = {number for number in odd if all(number % small for small in range(3, isqrt(number) + 1, 2))}
    assert {number for number in odd if is_probable_prime(number)} == known


@pytest.mark.parametrize("number", [561, 1729, 3215031751, 341550071728321, 3825123056546413051])
def test_strong_pseudoprimes_are_found(number: int) -> None:
    """Composites that fool Fermat, or Miller-Rabin with fewer bases (OEIS A014233), are not taken for primes."""
    assert not is_probable_prime(number)


def test_a_window_without_a_prime_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search goes on with the next bytes of the stream when a window holds no prime."""
    monkeypatch.setattr(primes, "_WINDOW", 1)
    stream = SeededRandomness(7).stream("primes")
    found = prime(64, stream)
    draws = SeededRandomness(7).stream("primes")
    starts = [int.from_bytes(draws.read(8), "big") | 0b11 << 62 | 1 for _ in range(1000)]
    assert starts.index(found) > 0


@pytest.mark.interop
def test_openssl_agrees_on_the_primes(outside_program: Callable[[str], str]) -> None:
    """Primes have their size and their two highest bits, openssl calls them prime, and they suit the exponent 65537."""
    stream = SeededRandomness(7).stream("primes")
    for bits in (64, 64, 64, 256, 1024):
        found = prime(bits, stream)
        assert found >> bits - 2 == 0b11
        assert (found - 1) % 65537
        done = subprocess.run(
            [outside_program("openssl"), "prime", str(found)], capture_output=True, text=True, check=True
        )
        assert done.stdout.endswith("is prime\n")


@pytest.mark.interop
def test_openssl_accepts_a_seeded_rsa_key(tmp_path: Path, outside_program: Callable[[str], str]) -> None:
    """A key made from a seed is consistent, though its validation was skipped, and it is the same the next time."""
    key = rsa_key(SeededRandomness(7), "a")
    assert key_to_pem(key) == key_to_pem(rsa_key(SeededRandomness(7), "a"))
    (tmp_path / "key.pem").write_bytes(key_to_pem(key))
    done = subprocess.run(
        [outside_program("openssl"), "rsa", "-in", "key.pem", "-check", "-noout"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "RSA key ok\n"
    assert key.key_size == 2048
    assert key.public_key().public_numbers().e == 65537


def test_a_seeded_curve_key_is_its_stream() -> None:
    """The private number is the stream's 40 first bytes, reduced to 1 … n-1."""
    number = int.from_bytes(SeededRandomness(7).stream("a").read(40), "big") % (P256_ORDER - 1) + 1
    key = curve_key(SeededRandomness(7), "a")
    assert key.private_numbers().private_value == number
    assert isinstance(key.curve, ec.SECP256R1)


def test_keys_are_written_and_read() -> None:
    """A key of either kind comes back from its PEM."""
    for key in (rsa_key(SystemRandomness(), "a"), curve_key(SystemRandomness(), "a")):
        assert key_to_pem(key_from_pem(key_to_pem(key))) == key_to_pem(key)


def test_other_keys_are_refused() -> None:
    """A short RSA key, another curve, or something else than a key is no key of ours."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - refused for that
    for key in (short, ec.generate_private_key(ec.SECP384R1())):
        with pytest.raises(ValueError, match="neither"):
            key_from_pem(key_to_pem(key))
    with pytest.raises(ValueError, match="not a private key"):
        key_from_pem(b"-----BEGIN PRIVATE KEY-----")
