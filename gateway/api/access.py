"""Who asks, what he may do, and what the handlers are given to do it with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.errors import GatewayError
from gateway.tokens import Token, find_token

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from gateway.outside_sheets import OutsideSheets
    from gateway.signing_desk import SigningDesk
    from gateway.station import Station

__all__ = ["Desk", "MetricsReader", "Office", "Operator", "RawBody", "Reader", "Signatory", "Submitter", "check_site"]


@dataclass(frozen=True, slots=True)
class Office:
    """What the handlers work with."""

    station: Station
    signing: SigningDesk
    outside: OutsideSheets


def _office(request: Request) -> Office:
    found: Office = request.app.state.office
    return found


async def _raw_body(request: Request) -> bytes:
    return await request.body()


_BEARER = HTTPBearer(auto_error=False, description="fse token new NOM --scope … --days …")


def _allowed(scope: str) -> Callable[..., Token]:
    """Return the dependency that gives the caller's token, which opens ``scope``."""

    def check(request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)] = None) -> Token:
        token = None if sent is None else find_token(_office(request).station.journal, sent.credentials)
        if token is None:
            raise GatewayError("API-TOKEN")
        if scope not in token.scopes:
            raise GatewayError("API-SCOPE", scope=scope)
        return token

    return check


Desk = Annotated[Office, Depends(_office)]
RawBody = Annotated[bytes, Depends(_raw_body)]
Submitter = Annotated[Token, Depends(_allowed("submit"))]
Reader = Annotated[Token, Depends(_allowed("read"))]
Signatory = Annotated[Token, Depends(_allowed("sign"))]
Operator = Annotated[Token, Depends(_allowed("operate"))]
MetricsReader = Annotated[Token, Depends(_allowed("metrics"))]


def check_site(token: Token, sites: Collection[str]) -> None:
    """Raise GatewayError (API-SITE) unless ``token`` is good for every one of ``sites``."""
    for site in sites:
        if not token.covers(site):
            raise GatewayError("API-SITE", site=site or "?")
