"""A reproducible search for the primes of RSA keys: a sieve, then Miller-Rabin (FIPS 186-5, appendices A.1.3, B.3)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from card_sim.randomness import ByteStream

__all__ = ["PUBLIC_EXPONENT", "is_probable_prime", "prime"]

PUBLIC_EXPONENT = 65537
_SIEVE_LIMIT = 20_000
_WINDOW = 4096
_WITNESSES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)


@cache
def _small_primes() -> tuple[int, ...]:
    sieve = bytearray([1]) * _SIEVE_LIMIT
    for number in range(2, int(_SIEVE_LIMIT**0.5) + 1):
        sieve[number * number :: number] = bytes(len(range(number * number, _SIEVE_LIMIT, number)))
    return tuple(number for number in range(3, _SIEVE_LIMIT) if sieve[number])


def is_probable_prime(number: int) -> bool:
    """Tell whether the odd ``number`` passes Miller-Rabin for twelve fixed bases: enough for a random number."""
    odd, twos = number - 1, 0
    while not odd & 1:
        odd, twos = odd >> 1, twos + 1
    return all(_passes(number, base, odd, twos) for base in _WITNESSES)


def _passes(number: int, base: int, odd: int, twos: int) -> bool:
    power = pow(base, odd, number)
    if power in {1, number - 1}:
        return True
    for _ in range(twos - 1):
        power = power * power % number
        if power == number - 1:
            return True
    return False


def prime(bits: int, stream: ByteStream) -> int:
    """
    Return a prime of ``bits`` bits (a multiple of 8, 64 or more) drawn from ``stream``.

    Its two highest bits are set, so that the product of two has exactly twice as many bits; it can be used with the
    exponent 65537.
    """
    while True:
        start = int.from_bytes(stream.read(bits // 8), "big") | 0b11 << bits - 2 | 1
        for candidate in _candidates(start):
            if is_probable_prime(candidate) and candidate % PUBLIC_EXPONENT != 1 and candidate.bit_length() == bits:
                return candidate


def _candidates(start: int) -> list[int]:
    """Return the odd numbers from ``start`` on, in a window, that no small prime divides."""
    kept = bytearray([1]) * _WINDOW
    for small in _small_primes():
        # First index i such that small divides start + 2 i.
        first = -start * ((small + 1) // 2) % small
        kept[first::small] = bytes(len(range(first, _WINDOW, small)))
    return [start + 2 * index for index in range(_WINDOW) if kept[index]]
