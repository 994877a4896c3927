"""
The objects (SDO) of the IAS-ECC dialect that GET DATA tells of: form and counters of the PIN, sizes of the keys.

What is asked for and the PIN's counters are as logged with real cards (OpenSC issue 2275); the rest is what the driver
wants to find, and ours.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from card_sim.keys import RSA_BITS
from card_sim.pin import MAXIMUM_TRIES
from card_sim.tlv import encode
from card_sim.vocabulary import FILE_CONTROL, IAS, PARAMETER, PIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from card_sim.pin import Pin

__all__ = ["security_objects"]

_PARAMETERS: Final = bytes.fromhex(IAS["parameters_part"])
_ACCESS: Final = encode(
    FILE_CONTROL["access"], encode(FILE_CONTROL["compact_access"], bytes.fromhex(IAS["all_allowed"]))
)


def security_objects(pin: Pin, key_references: Iterable[int]) -> dict[bytes, Callable[[], bytes]]:
    """Return what GET DATA answers, by P1-P2 and the data field that asks for it."""
    objects: dict[bytes, Callable[[], bytes]] = {}

    def add(name: bytes, part: bytes, content: Callable[[], bytes]) -> None:
        asked = encode(IAS["object_tag"], name + _length(part + b"\x80") + part + b"\x80")
        command = PARAMETER["by_template"].to_bytes(2, "big") + encode(IAS["object_list"], asked)
        objects[command] = partial(_answer, name, part, content)

    name = bytes.fromhex(IAS["pin_object"])
    digits = bytes((PIN["digits"],))
    form = encode(IAS["pin_longest"], digits) + encode(IAS["pin_shortest"], digits)
    add(name, bytes.fromhex(IAS["pin_part"]), lambda: form)
    add(name, _PARAMETERS, partial(_counters, pin))
    size = encode(IAS["parameter_size"], (RSA_BITS // 8).to_bytes(2, "big"))
    for reference in key_references:
        key = bytes.fromhex(IAS["private_key_object"]) + bytes((reference,))
        add(key, bytes.fromhex(IAS["private_key_part"]), lambda: encode(IAS["key_compulsory"], b"\x00"))
        add(key, _PARAMETERS, lambda: size + _ACCESS)
    return objects


def _counters(pin: Pin) -> bytes:
    """Return the most tries of the PIN, and those left."""
    return (
        encode(IAS["pin_maximum_tag"], bytes((MAXIMUM_TRIES,)))
        + encode(IAS["pin_left_tag"], bytes((pin.tries_left,)))
        + _ACCESS
    )


def _answer(name: bytes, part: bytes, content: Callable[[], bytes]) -> bytes:
    inside = content()
    filled = part + _length(inside) + inside
    return encode(IAS["object_tag"], name + _length(filled) + filled)


def _length(value: bytes) -> bytes:
    return bytes((len(value),))
