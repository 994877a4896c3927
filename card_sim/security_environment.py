"""What MANAGE SECURITY ENVIRONMENT sets before a signature (ISO 7816-4 §10.3), and the digest that the card ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from card_sim.sha256_rounds import BLOCK_BYTES, STATE_BYTES, finish
from card_sim.status_words import Refusal, StatusWord
from card_sim.tlv import split_short
from card_sim.vocabulary import SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from card_sim.signature import SignatureKey

__all__ = ["Chosen", "SecurityEnvironment"]

_HASH: Final = SIGNATURE["hash_template"]
_KEY_TAGS: Final = {SIGNATURE["key_tag"], SIGNATURE["public_key_tag"]}
_COUNT_BYTES: Final = 8
_MOST_BITS: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Chosen:
    """The key and the algorithm that the host named in one template."""

    key: SignatureKey
    algorithm: int


class SecurityEnvironment:
    """
    The keys of a card by their reference, and what the host named: nothing is computed before algorithm and key are.

    ``restorable`` gives, by the number of an environment, the templates that MSE RESTORE sets at once.
    """

    def __init__(self, keys: Mapping[int, SignatureKey], restorable: Mapping[int, Mapping[int, bytes]]) -> None:
        self._keys = keys
        self._restorable = restorable
        self.reset()

    def reset(self) -> None:
        """Forget what was set, as after power-on."""
        self._chosen: dict[int, Chosen] = {}
        self._hash_set = False
        self._digest: bytes | None = None

    def set(self, template: int, data: bytes) -> None:
        """Set algorithm and key from ``data``: 6A80 when it is malformed, 6A88 when this card has no such key."""
        if template == _HASH:
            self._set_hash(data)
            return
        if not any(template in key.algorithms for key in self._keys.values()):
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        self._chosen.pop(template, None)
        algorithm, reference = _algorithm_and_key(data)
        if not any(algorithm in key.algorithms.get(template, ()) for key in self._keys.values()):
            raise Refusal(StatusWord.WRONG_DATA)
        key = self._keys.get(reference)
        if key is None:
            raise Refusal(StatusWord.REFERENCE_NOT_FOUND)
        if algorithm not in key.algorithms.get(template, ()):
            raise Refusal(StatusWord.WRONG_DATA)
        self._chosen[template] = Chosen(key, algorithm)

    def restore(self, number: int) -> None:
        """Set the whole environment ``number``; 6A86 when the card knows no such number."""
        if number not in self._restorable:
            raise Refusal(StatusWord.WRONG_PARAMETERS)
        self.reset()
        for template, data in self._restorable[number].items():
            self.set(template, data)

    def chosen(self, template: int) -> Chosen:
        """Return what was set for ``template``; 6985 as long as nothing is."""
        found = self._chosen.get(template)
        if found is None:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        return found

    def hash(self, data: bytes) -> None:
        """
        Finish a SHA-256: ``data`` holds the intermediate value with its count of bits, and the last block.

        6985 when no hash algorithm was set, 6A80 when the data are malformed.
        """
        self._digest = None
        if not self._hash_set:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        fields = split_short(data)
        tags = [tag for tag, _ in fields or ()]
        if fields is None or tags not in (
            [SIGNATURE["hash_last_block_tag"]],
            [SIGNATURE["hash_state_tag"], SIGNATURE["hash_last_block_tag"]],
        ):
            raise Refusal(StatusWord.WRONG_DATA)
        begun, last = (fields[0][1] if len(fields) > 1 else b""), fields[-1][1]
        state, count = begun[:STATE_BYTES], int.from_bytes(begun[STATE_BYTES:], "big")
        # The last round is always the card's: what the host hashed is whole blocks, what is left is one block at most.
        whole = len(begun) in {0, STATE_BYTES + _COUNT_BYTES} and bool(begun) == bool(count)
        if not whole or count % (8 * BLOCK_BYTES) or count >= _MOST_BITS or not 0 < len(last) <= BLOCK_BYTES:
            raise Refusal(StatusWord.WRONG_DATA)
        self._digest = finish(state, count, last)

    def take_digest(self) -> bytes:
        """Return the digest that the card has finished, once; 6985 when there is none."""
        digest, self._digest = self._digest, None
        if digest is None:
            raise Refusal(StatusWord.CONDITIONS_NOT_SATISFIED)
        return digest

    def _set_hash(self, data: bytes) -> None:
        self._hash_set, self._digest = False, None
        if split_short(data) != [(SIGNATURE["algorithm_tag"], bytes((SIGNATURE["sha256"],)))]:
            raise Refusal(StatusWord.WRONG_DATA)
        self._hash_set = True


def _algorithm_and_key(data: bytes) -> tuple[int, int]:
    """Return the two references of a template, one byte each; 6A80 when it holds anything else."""
    fields = [(tag, value) for tag, value in split_short(data) or [] if tag != SIGNATURE["file_tag"]]
    algorithms = [value for tag, value in fields if tag == SIGNATURE["algorithm_tag"]]
    keys = [value for tag, value in fields if tag in _KEY_TAGS]
    if len(fields) != len((*algorithms, *keys)) or [*map(len, algorithms), *map(len, keys)] != [1, 1]:
        raise Refusal(StatusWord.WRONG_DATA)
    if len(algorithms) != len(keys):
        raise Refusal(StatusWord.WRONG_DATA)
    return algorithms[0][0], keys[0][0]
