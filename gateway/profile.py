"""The service that bills: who it is, where its working days are, which readings of the law it applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import schemas
from fse.identifiers import check_finess
from fse.lifecycle import Policy, policy_named
from fse.situation import ChannelPolicy
from fse.working_days import Calendar, Place

__all__ = ["ServiceProfile", "Site", "load_profile"]


@dataclass(frozen=True, slots=True)
class Site:
    """A place of care: what it is called and where it is."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class ServiceProfile:
    """
    One PMI service. ``sites`` are its places of care by FINESS.

    ``attested_by`` is the function that attests the service done of delegated acts.
    """

    name: str
    biller: str
    anonymous_organism: str
    specification: str
    policy: Policy
    channels: ChannelPolicy
    attested_by: str
    sites: dict[str, Site]


def load_profile(name: str = "pas-de-calais-simule") -> ServiceProfile:
    """Return the profile ``name`` of the package ``schemas``."""
    content = schemas.read_toml(f"profiles/{name}.toml")
    service: dict[str, Any] = content["service"]
    return ServiceProfile(
        name=service["name"],
        biller=check_finess(service["biller"], "service.biller"),
        anonymous_organism=service["anonymous_organism"],
        specification=service["specification"],
        policy=policy_named(service["policy"], Calendar(Place(service["department"]))),
        channels=ChannelPolicy(
            hold_opposed=service["hold_opposed_cards"],
            adult_screening=service["adult_screening"],
            minor_contraception=service["minor_contraception"],
            excluded_acts=frozenset(service["excluded_acts"]),
        ),
        attested_by=service["attested_by"],
        sites={
            check_finess(site["finess"], "site.finess"): Site(site["name"], site["address"]) for site in content["site"]
        },
    )
