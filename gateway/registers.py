"""
The registers of a service: what was agreed with whom, from which day, and what a contract allows.

One file a service, ``schemas/registers/NAME.toml`` under the name of its profile: the convention (convention 2023-212,
art. 19-21), its annexes, the correspondents (art. 12), who takes part, the processing register (protocol art. 4; GDPR
art. 30) and the contracts of the concentrators (protocol art. 3). Functions, never people. A register holds as a whole
or not at all.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

import schemas
from fse.act_window import add_months
from gateway.addresses import check_address
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Actor",
    "Annex",
    "Avenant",
    "Contract",
    "Convention",
    "Guarantees",
    "Party",
    "Processing",
    "Referent",
    "Registers",
    "load_registers",
]

_SCHEMES = frozenset({"http", "https", "smtp", "smtps"})
"""How one sends to a concentrator."""

_ANNEXES = ("1", "1.1", "1.2", "1.3", "1.4", "1.5")
_PERSON = re.compile(r"@|\b(?:[Dd]r|[Mm]me|[Mm]lle|M|Mr|[Dd]octeur|[Mm]adame|[Mm]onsieur)\b\.?|(?:[0-9][ .]?){10}")
"""A civility, an e-mail address or ten digits in a row: no function is written so."""
_EXAMPLE = "pas-de-calais-simule"

_Item = TypeVar("_Item")
_Many = Annotated[tuple[_Item, ...], Strict(strict=False)]  # TOML writes lists
_Words = Annotated[str, Field(min_length=1, max_length=200)]
_Organism = Annotated[str, Field(pattern=r"^[0-9]{9}$")]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Party(_Record):
    """One party of the convention; ``signatory`` is the function that signed for it."""

    name: _Words
    role: Literal["departement", "caisse"]
    organism: _Organism | None = None
    signed_on: date
    signatory: _Words


class Avenant(_Record):
    """A change of the convention, numbered from 1."""

    number: int = Field(ge=1)
    signed_on: date
    subject: _Words


class Convention(_Record):
    """
    The convention: in force from ``start``, for ``months``, then by tacit renewal for as long again (art. 19).

    ``renewals`` are the terms of the renewals that were noted; ``terminated_on`` is its last day when it was given up,
    at any time, by ``notice_months`` of notice (art. 20).
    """

    reference: _Words
    subject: _Words
    start: date
    term: date
    months: int = Field(ge=1)
    renewals: _Many[date] = ()
    notice_months: int = Field(ge=0)
    notice_form: _Words
    terminated_on: date | None = None
    source: _Words
    parties: _Many[Party] = Field(min_length=2)
    avenants: _Many[Avenant] = ()

    def in_force(self, on: date) -> bool:
        """Tell whether it holds on the day ``on``: tacitly renewed until somebody gives it up."""
        return self.start <= on and (self.terminated_on is None or on <= self.terminated_on)


class Annex(_Record):
    """One version of an annex, in force from ``dated``."""

    code: Literal["1", "1.1", "1.2", "1.3", "1.4", "1.5"]
    title: _Words
    version: _Words
    dated: date
    source: _Words


class Referent(_Record):
    """Who answers for a side of the convention (art. 12): a function, never a person."""

    side: Literal["departement", "caisse"]
    organism: _Organism | None = None
    function: _Words


class Actor(_Record):
    """Somebody who takes part, by role; ``who`` says what plays it here."""

    role: Literal[
        "assure", "beneficiaire", "professionnel", "centre-pmi", "cpef", "sdpmi", "departement", "caisse", "oct",
        "editeur", "fournisseur-acces", "gie", "cnda", "emetteur-cartes", "executant", "attestation", "referent",
        "conseiller-informatique",
    ]  # fmt: skip
    who: _Words


class Processing(_Record):
    """One entry of the processing register (GDPR art. 30; the file declaration of the protocol, A45)."""

    reference: _Words
    purpose: _Words
    legal_basis: _Words
    controller: _Words
    processors: _Many[_Words]
    persons: _Many[_Words] = Field(min_length=1)
    data: _Many[_Words] = Field(min_length=1)
    recipients: _Many[_Words] = Field(min_length=1)
    retention: _Words
    security: _Many[_Words] = Field(min_length=1)
    since: date
    reviewed_on: date


class Guarantees(_Record):
    """What the OCT owes (protocol art. 3)."""

    confidentiality: bool
    integrity: bool
    neutrality: bool
    free_choice: bool


class Contract(_Record):
    """
    The contract of an OCT, from ``start`` to ``end``, both included (None: until further notice).

    It acts for the account of the biller ``on_behalf_of``. ``endpoints`` are its addresses, scheme and host; one that
    names no port stands for every port.
    """

    reference: _Words
    party: _Words
    on_behalf_of: str = Field(pattern=r"^(?:[0-9]{2}|2[AB])[0-9]{7}$")
    endpoints: _Many[_Words] = Field(min_length=1)
    start: date
    end: date | None = None
    guarantees: Guarantees

    def allows(self, endpoint: str, biller: str, on: date) -> bool:
        """Tell whether ``biller`` may send to ``endpoint`` on the day ``on``."""
        in_force = self.start <= on and (self.end is None or on <= self.end)
        return in_force and biller == self.on_behalf_of and any(_same(known, endpoint) for known in self.endpoints)


class Registers(_Record):
    """Every register of one service."""

    convention: Convention
    annexes: _Many[Annex]
    referents: _Many[Referent] = Field(min_length=1)
    actors: _Many[Actor] = Field(min_length=1)
    processing: _Many[Processing] = Field(min_length=1)
    contracts: _Many[Contract] = ()

    @classmethod
    def parse(cls, text: str, file: str) -> Self:
        """
        Return the registers written in ``text`` (TOML); ``file`` is the name that the errors give.

        Raises :class:`gateway.errors.GatewayError`: REGISTER-FIELD, REGISTER-DATES, REGISTER-TWICE, REGISTER-ANNEX,
        REGISTER-PERSON, REGISTER-GUARANTEE; ADDRESS-REAL for an endpoint outside the reserved names.
        """
        try:
            found = cls.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            raise GatewayError("REGISTER-FIELD", file=file, place="TOML", reason=str(error)) from None
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise GatewayError("REGISTER-FIELD", file=file, place=place, reason=first["type"]) from None
        _check_people(found, file)
        _check_once(found, file)
        _check_convention(found.convention, file)
        _check_records(found, file)
        return found

    def annex(self, code: str, on: date) -> Annex | None:
        """Return the version of the annex ``code`` in force on the day ``on``, None before its first one."""
        known = [one for one in self.annexes if one.code == code and one.dated <= on]
        return max(known, key=lambda one: one.dated, default=None)


def load_registers(name: str) -> Registers:
    """Return the registers of the service whose profile is ``name``; raises REGISTER-MISSING and what parsing does."""
    known = [Path(one).stem for one in schemas.names("registers", ".toml")]
    if name not in known:
        raise GatewayError("REGISTER-MISSING", name=name[:40], known=", ".join(known))
    return Registers.parse(schemas.read_text(f"registers/{name}.toml"), f"{name}.toml")


# -------------------------------------------------------------------------------------------------------------- checks


def _check_people(found: Registers, file: str) -> None:
    """Refuse what is a person, or leads to one, where a function is expected (SITE-04)."""
    functions = [(f"convention.parties.{rank}", one.signatory) for rank, one in enumerate(found.convention.parties)]
    functions += [(f"referents.{rank}", one.function) for rank, one in enumerate(found.referents)]
    functions += [(f"actors.{rank}", one.who) for rank, one in enumerate(found.actors)]
    for place, function in functions:
        if _PERSON.search(function):
            raise GatewayError("REGISTER-PERSON", file=file, place=place)


def _check_once(found: Registers, file: str) -> None:
    named: dict[str, Iterable[object]] = {
        "convention.parties": (one.name for one in found.convention.parties),
        "convention.avenants": (one.number for one in found.convention.avenants),
        "annexes": (f"{one.code}, {one.dated}" for one in found.annexes),
        "referents": (f"{one.organism or one.side}, {one.function}" for one in found.referents),
        "actors": (one.role for one in found.actors),
        "processing": (one.reference for one in found.processing),
        "contracts": (one.reference for one in found.contracts),
    }
    for place, names in named.items():
        seen: set[object] = set()
        for name in names:
            if name in seen:
                raise GatewayError("REGISTER-TWICE", file=file, place=place, name=name)
            seen.add(name)


def _check_convention(one: Convention, file: str) -> None:
    """Hold its dates against each other: terms and renewals count from its start, to the day of the same number."""
    terms = (one.term, *one.renewals)
    counted = [add_months(one.start, one.months * rank) for rank in range(1, len(terms) + 1)]
    pairs = [(f"parties.{rank}.signed_on", party.signed_on, one.start) for rank, party in enumerate(one.parties)]
    pairs += [("avenants", one.start, avenant.signed_on) for avenant in one.avenants]
    pairs += [
        ("avenants", earlier.signed_on, later.signed_on)
        for earlier, later in zip(one.avenants, one.avenants[1:], strict=False)
    ]
    pairs += [("terminated_on", one.start, one.terminated_on or one.start)]
    for place, first, second in pairs:
        if second < first:
            raise _dates(file, f"convention.{place}", first, second)
    for rank, (written, expected) in enumerate(zip(terms, counted, strict=True)):
        if written != expected:
            raise _dates(file, f"convention.renewals.{rank - 1}" if rank else "convention.term", one.start, written)


def _check_records(found: Registers, file: str) -> None:
    missing = [code for code in _ANNEXES if all(one.code != code for one in found.annexes)]
    if missing:
        raise GatewayError("REGISTER-ANNEX", file=file, missing=", ".join(missing))
    for one in found.processing:
        if one.reviewed_on < one.since:
            raise _dates(file, f"processing {one.reference}", one.since, one.reviewed_on)
    for contract in found.contracts:
        if contract.end is not None and contract.end < contract.start:
            raise _dates(file, f"contracts {contract.reference}", contract.start, contract.end)
        without = [name for name, given in contract.guarantees if not given]
        if without:
            raise GatewayError(
                "REGISTER-GUARANTEE", file=file, reference=contract.reference, missing=", ".join(without)
            )
        for endpoint in contract.endpoints:
            if not _origin(check_address(endpoint, _SCHEMES))[1]:
                place = f"contracts {contract.reference}"
                raise GatewayError("REGISTER-FIELD", file=file, place=place, reason=endpoint)


def _dates(file: str, place: str, first: date, second: date) -> GatewayError:
    return GatewayError("REGISTER-DATES", file=file, place=place, first=first, second=second)


def _same(known: str, endpoint: str) -> bool:
    """Tell whether ``endpoint`` is at the address ``known``: same scheme and host, and port when it names one."""
    ours, theirs = _origin(known), _origin(endpoint)
    return ours == theirs or (urlsplit(known).port is None and ours[:2] == theirs[:2])


def _origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of ``url``, without a host when its port is none."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        return parts.scheme, "", None
    return parts.scheme, parts.hostname or "", port or {"http": 80, "https": 443}.get(parts.scheme)
