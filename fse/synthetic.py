"""
Synthetic identities in the place of those of an export: ages, sex, caisses and rights stay, names and numbers go.

One person of an export is one synthetic person, whatever the row: what tells them apart is the seed and the old number,
never kept. NIR have order numbers 990 to 999, RPPS are of the public test range; a birth date of an adult moves inside
its year so that the age at care stays; that of a child, whose windows count in days, stays.
"""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from fse.act_window import add_months
from fse.identifiers import is_luhn_valid

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["with_synthetic_people"]

_NAMES = (
    "DUPREL", "MARVIN", "TESTEZ", "MODELAIN", "SPECIMANE", "FICTIVAL", "EXEMPLON", "PROTOTAL", "MAQUETTIER", "INVENTEL",
    "ESSAYON", "SIMULAC",
)  # fmt: skip
_FIRST = ("Alix", "Charlie", "Claude", "Morgan", "Eden", "Lou", "Maxime", "Noa", "Swann", "Yaël")
_CHILD_YEARS = 7
_MONTHS_IN_YEAR = 12
_FIRST_ORDER, _ORDERS = 990, 10


def with_synthetic_people(facts: Mapping[str, Any], on: date, seed: str) -> dict[str, Any]:
    """Return the facts of an encounter (JSON values) of the day ``on`` with synthetic people."""
    changed = dict(facts)
    who = dict(facts["professional"])
    changed["professional"] = who | _names(f"{seed}:{who.get('rpps')}") | {"rpps": _rpps(f"{seed}:{who.get('rpps')}")}
    patient = dict(facts["patient"])
    if patient.get("kind", "identified") != "identified":
        return changed
    insured = dict(patient["insured"])
    key = f"{seed}:{insured['nir']}"
    born = _birth_date(str(insured["birth_date"]), on, key)
    family = _pick(_NAMES, f"{key}:family")
    patient["insured"] = {
        "nir": _nir(str(insured["nir"]), born, key),
        "family_name": family,
        "first_name": _pick(_FIRST, f"{key}:first"),
        "birth_date": born,
    }
    child = patient.get("beneficiary")
    if child is not None:
        own = f"{key}:{child['birth_date']}:{child.get('birth_rank', 1)}"
        patient["beneficiary"] = {
            "family_name": family,
            "first_name": _pick(_FIRST, f"{own}:first"),
            "birth_date": _birth_date(str(child["birth_date"]), on, own),
            "birth_rank": child.get("birth_rank", 1),
        }
    changed["patient"] = patient
    return changed


def _number(text: str, below: int) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big") % below


def _pick(words: tuple[str, ...], key: str) -> str:
    return words[_number(key, len(words))]


def _names(key: str) -> dict[str, str]:
    return {"family_name": _pick(_NAMES, f"{key}:family"), "first_name": _pick(_FIRST, f"{key}:first")}


def _rpps(key: str) -> str:
    """Return a number of the public test range (99700…) with its Luhn key."""
    body = f"99700{_number(f'{key}:rpps', 100_000):05d}"
    return next(body + digit for digit in "0123456789" if is_luhn_valid(body + digit))


def _nir(old: str, born: str, key: str) -> str:
    """Return a NIR of the same first digit, of the new birth date, with a test order number and without its key."""
    place = f"62{_number(f'{key}:place', 900) + 1:03d}"
    return f"{old[:1]}{born[2:4]}{born[5:7]}{place}{_FIRST_ORDER + _number(f'{key}:order', _ORDERS)}"


def _birth_date(text: str, on: date, key: str) -> str:
    born = date.fromisoformat(text)
    if on < add_months(born, _CHILD_YEARS * _MONTHS_IN_YEAR):
        return text
    years = next(age for age in range(_CHILD_YEARS, 200) if on < add_months(born, (age + 1) * _MONTHS_IN_YEAR))
    youngest = add_months(on, -years * _MONTHS_IN_YEAR)
    oldest = add_months(on, -(years + 1) * _MONTHS_IN_YEAR) + timedelta(days=1)
    return (oldest + timedelta(days=_number(f"{key}:born", (youngest - oldest).days + 1))).isoformat()
