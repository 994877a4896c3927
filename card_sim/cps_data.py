"""What a CPS says of its holder, in our own layouts (``[cps.*]`` of the card vocabulary)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from card_sim.tlv import encode, encode_all
from card_sim.vocabulary import CPS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from card_sim.profiles import CpsProfile

__all__ = ["activities", "billing_situation", "holder_data", "holder_information"]


def holder_data(profile: CpsProfile) -> bytes:
    """Return the holder's data, free to read (layout: ``[cps.tags]``)."""
    structure = CPS["items"]["structure"]
    values = {
        "card_serial": profile.card_serial.encode(),
        "card_type": CPS["kind"].encode(),
        "rpps": profile.rpps.encode(),
        "family_name": profile.family_name.encode(),
        "first_name": profile.first_name.encode(),
        "profession": profile.profession.encode(),
        "structures": b"".join(encode(structure, finess.encode()) for finess in profile.structures),
        "valid_from": f"{profile.valid_from:%Y%m%d}".encode(),
        "valid_to": f"{profile.valid_to:%Y%m%d}".encode(),
        "may_sign_sheet": bytes((profile.may_sign_sheet,)),
        "may_sign_lot": bytes((profile.may_sign_lot,)),
    }
    return _template("tags", values)


def holder_information(profile: CpsProfile) -> bytes:
    """Return the type of the card and of its holder, free to read (layout: ``[cps.information]``)."""
    values = {
        "family": CPS["families"][profile.family].encode(),
        "kind": CPS["kind"].encode(),
        "rpps": profile.rpps.encode(),
        "profession": profile.profession.encode(),
    }
    return _template("information", values)


def activities(profile: CpsProfile) -> tuple[bytes, ...]:
    """Return one activity per structure, behind the PIN (layout: ``[cps.activity]``)."""
    return tuple(
        _template(
            "activity",
            {
                "index": f"{index:02}".encode(),
                "exercise_mode": profile.exercise_mode.encode(),
                "structure": finess.encode(),
            },
        )
        for index, finess in enumerate(profile.structures, 1)
    )


def billing_situation(profile: CpsProfile) -> bytes | None:
    """Return the situation in which the holder bills, behind the PIN (layout: ``[cps.situation]``); None without."""
    if not profile.bills:
        return None
    values = {
        "index": b"01",
        "biller": profile.structures[0].encode(),
        "convention": profile.convention.encode(),
        "may_sign_sheet": bytes((profile.may_sign_sheet,)),
        "may_sign_lot": bytes((profile.may_sign_lot,)),
    }
    return _template("situation", values)


def _template(layout: str, values: Mapping[str, bytes]) -> bytes:
    tags = CPS[layout]
    return encode_all(tags["template"], (encode(tags[name], value) for name, value in values.items()))
