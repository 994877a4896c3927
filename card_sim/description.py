"""The description of a card that a person writes: a TOML file, ``kind`` and the fields of its profile."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Final

from card_sim.errors import ProfileInvalid
from card_sim.profiles import CpsProfile, VitaleProfile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_description", "read_table"]

_LIMIT: Final = 100_000
_PROFILES: Final[dict[str, type[CpsProfile | VitaleProfile]]] = {"cps": CpsProfile, "vitale": VitaleProfile}


def read_description(path: Path) -> CpsProfile | VitaleProfile:
    """
    Return the profile that the TOML file ``path`` describes: ``kind = "cps"`` or ``"vitale"``, and its fields.

    :raises ProfileInvalid: with the file and the first key that is missing, unknown or wrong.
    """
    raw = read_table(path)
    kind = raw.pop("kind", None)
    if not isinstance(kind, str) or kind not in _PROFILES:
        raise ProfileInvalid(path, "kind", reason='"cps" or "vitale" is expected')
    return _PROFILES[kind].from_dict(raw, str(path))


def read_table(path: Path) -> dict[str, object]:
    """Return the table in the TOML file ``path``; ProfileInvalid when it holds none, OSError when it is not there."""
    with path.open("rb") as file:
        content = file.read(_LIMIT + 1)
    if len(content) > _LIMIT:
        raise ProfileInvalid(path, reason=f"longer than {_LIMIT} bytes")
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError:
        raise ProfileInvalid(path, reason="not UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ProfileInvalid(path, reason=f"not TOML: {error}") from None
