"""The service that bills: who it is, where its working days are, which readings of the law it applies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemas
from fse.identifiers import check_finess
from fse.lifecycle import Policy, Unit, policy_named
from fse.situation import ChannelPolicy
from fse.tables import package_tables
from fse.working_days import Calendar, Place
from gateway.destinations import Destination, read_destinations
from gateway.errors import GatewayError
from gateway.registers import load_registers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fse.site_table import Site
    from fse.tables import Tables
    from gateway.registers import Contract

__all__ = ["DEFAULT", "ForceMajeure", "ServiceProfile", "load_profile", "profile_names"]

DEFAULT = "pas-de-calais-simule"
"""The profile of the demonstration."""


@dataclass(frozen=True, slots=True)
class ForceMajeure:
    """From ``first`` to ``last`` a caisse could not pay (convention art. 16), as it was recorded."""

    organism: str
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """
    One PMI service. ``sites`` are its places of care by FINESS.

    ``attested_by`` is the function that attests the service done of delegated acts. ``destinations`` are the caisses
    with hours or limits of their own. ``retention`` is how long sheets and acknowledgements are kept at least (90 days
    by CSS R161-47). ``checkpoint_every`` is how often the journal is sealed by a signed checkpoint. ``headings`` are
    the budget headings by titre, ``third_parties`` names of payers whose money is never a sheet's, ``force_majeure``
    the recorded exceptions to the month of payment. ``contracts`` are those of its concentrators (its registers);
    ``direct``: it sends to the caisses without any.
    """

    name: str
    biller: str
    specification: str
    policy: Policy
    channels: ChannelPolicy
    attested_by: str
    sites: dict[str, Site]
    destinations: Mapping[str, Destination] = field(default_factory=dict)
    retention: timedelta = timedelta(days=90)
    checkpoint_every: timedelta = timedelta(days=1)
    headings: Mapping[str, str] = field(default_factory=dict)
    third_parties: tuple[str, ...] = ()
    force_majeure: tuple[ForceMajeure, ...] = ()
    contracts: tuple[Contract, ...] = ()
    direct: bool = False

    def destination(self, organism: str) -> Destination:
        """Return how the caisse ``organism`` is sent to."""
        return self.destinations.get(organism) or Destination(organism=organism)

    def anonymous_organism(self, site: str) -> str:
        """Return the caisse that pays the anonymous care of ``site`` for every scheme (convention 10.3.1; SITE-06)."""
        return self.sites[site].organism


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles of the package."""
    return tuple(Path(name).stem for name in schemas.names("profiles", ".toml"))


def load_profile(name: str = DEFAULT, tables: Tables | None = None) -> ServiceProfile:
    """
    Return the profile ``name`` of the package ``schemas``, with the sites of its département in ``tables``.

    Raises :class:`gateway.errors.GatewayError` (PROFILE-UNKNOWN).
    """
    if name not in profile_names():
        raise GatewayError("PROFILE-UNKNOWN", name=name[:40], known=", ".join(profile_names()))
    service: dict[str, Any] = schemas.read_toml(f"profiles/{name}.toml")["service"]
    department = service["department"]
    found = tables or package_tables()
    sites = found.sites.lines
    return ServiceProfile(
        name=service["name"],
        biller=check_finess(service["biller"], "service.biller"),
        specification=service["specification"],
        policy=_policy(service, Calendar(Place(department), found.holidays)),
        channels=ChannelPolicy(
            hold_opposed=service["hold_opposed_cards"],
            adult_screening=service["adult_screening"],
            minor_contraception=service["minor_contraception"],
            excluded_acts=frozenset(service["excluded_acts"]),
        ),
        attested_by=service["attested_by"],
        destinations=read_destinations(service.get("destinations", [])),
        headings=dict(service.get("headings", {})),
        third_parties=tuple(service.get("third_parties", ())),
        force_majeure=tuple(ForceMajeure(**one) for one in service.get("force_majeure", ())),
        contracts=load_registers(name).contracts,
        direct=service.get("direct", False),
        retention=timedelta(days=max(service.get("retention_days", 90), 90)),
        sites={site.finess: site for site in sites if site.finess.startswith(department) and site.valid_to is None},
    )


def _policy(service: dict[str, Any], calendar: Calendar) -> Policy:
    """Return the reading of the law that the service applies: its named policy, the unit of the 8 days, attempts."""
    unit = service.get("first_window", Unit.WORKING.value)
    if unit not in set(Unit):
        raise GatewayError("PROFILE-WINDOW", unit=str(unit)[:40], known=", ".join(Unit))
    return replace(
        policy_named(service["policy"], calendar),
        unit=Unit(unit),
        max_emissions=service.get("max_emissions"),
    )
