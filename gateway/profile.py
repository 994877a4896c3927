"""The service that bills: who it is, where its working days are, which readings of the law it applies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import schemas
from fse.identifiers import check_finess
from fse.lifecycle import Policy, policy_named
from fse.situation import ChannelPolicy
from fse.tables import package_tables
from fse.working_days import Calendar, Place
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from fse.site_table import Site
    from fse.tables import Tables

__all__ = ["DEFAULT", "ServiceProfile", "load_profile", "profile_names"]

DEFAULT = "pas-de-calais-simule"
"""The profile of the demonstration."""


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """
    One PMI service. ``sites`` are its places of care by FINESS.

    ``attested_by`` is the function that attests the service done of delegated acts.
    """

    name: str
    biller: str
    specification: str
    policy: Policy
    channels: ChannelPolicy
    attested_by: str
    sites: dict[str, Site]

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
        policy=policy_named(service["policy"], Calendar(Place(department), found.holidays)),
        channels=ChannelPolicy(
            hold_opposed=service["hold_opposed_cards"],
            adult_screening=service["adult_screening"],
            minor_contraception=service["minor_contraception"],
            excluded_acts=frozenset(service["excluded_acts"]),
        ),
        attested_by=service["attested_by"],
        sites={site.finess: site for site in sites if site.finess.startswith(department) and site.valid_to is None},
    )
