"""Sheets and what is expected of the service: ``/v1/sheets``, ``/v1/agenda``, ``/v1/status``, ``/v1/returns``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from fse.lifecycle import SheetState
from gateway.agenda import Agenda, read_agenda
from gateway.api.access import Desk, Office, Reader  # noqa: TC001 - FastAPI reads the annotations when it runs
from gateway.api.description import file
from gateway.api.listings import Listings
from gateway.api.models import Returns, SheetView
from gateway.errors import GatewayError
from gateway.status import Status, read_status
from gateway.timeline import Timeline, read_timeline
from gateway.tokens import Token  # noqa: TC001 - FastAPI reads the annotations when it runs

__all__ = ["After", "Limit", "Number", "listings", "router"]

router = APIRouter(prefix="/v1", tags=["read"])

Number = Annotated[int, Path(ge=1, le=999_999_999)]
After = Annotated[int, Query(ge=0, le=999_999_999, description="le dernier numéro déjà lu · the last number read")]
Limit = Annotated[int, Query(ge=1, le=200)]
Site = Annotated[str | None, Query(pattern=r"^([0-9]{2}|2[AB])[0-9]{7}$", description="FINESS")]
SheetStateQuery = Annotated[SheetState | None, Query()]


def listings(desk: Office, token: Token) -> Listings:
    """Return the journal as ``token`` may see it now."""
    station = desk.station
    return Listings(station.journal, station.profile, station.clock.now(), token)


@router.get("/sheets", response_model=list[SheetView])
def list_sheets(
    desk: Desk,
    token: Reader,
    state: SheetStateQuery = None,
    site: Site = None,
    after: After = 0,
    limit: Limit = 50,
) -> list[SheetView]:
    """
    Les feuilles par numéro ; la page suivante commence après le dernier numéro lu.

    The sheets by number; the next page begins after the last number read.
    """
    return listings(desk, token).sheets(state=state, site=site, after=after, limit=limit)


@router.get("/sheets/{number}", response_model=SheetView)
def read_sheet(desk: Desk, token: Reader, number: Number) -> SheetView:
    """Où en est une feuille, et la suite · Where a sheet stands, and what comes next."""
    return listings(desk, token).sheet(number)


@router.get("/sheets/{number}/timeline", response_model=Timeline)
def read_sheet_timeline(desk: Desk, token: Reader, number: Number) -> Timeline:
    """L'histoire d'une feuille, même purgée (tous sites) · The story of a sheet, even when purged (all sites)."""
    if token.sites:
        listings(desk, token).sheet(number)
    station = desk.station
    return read_timeline(station.journal, station.profile, number, station.clock.now())


@router.get(
    "/sheets/{number}/sealed",
    response_class=Response,
    responses=file("application/octet-stream", "la feuille scellée, telle que signée · the sheet as it was signed"),
)
def read_sealed_sheet(desk: Desk, token: Reader, number: Number) -> Response:
    """La feuille scellée, octet pour octet · The sealed sheet, byte for byte."""
    listings(desk, token).sheet(number)
    with desk.station.journal.read() as tx:
        stored = tx.sheet(number)
    if stored is None or stored.sealed is None:
        raise GatewayError("API-NO-FILE")
    return Response(stored.sealed, media_type="application/octet-stream")


@router.get("/agenda", response_model=Agenda)
def read_the_agenda(desk: Desk, token: Reader) -> Agenda:
    """Ce que la loi attend ensuite, et pour quand · What the law expects next, and by when."""
    station = desk.station
    return read_agenda(station.journal, station.profile, station.clock.now(), token.sites or None)


@router.get("/status", response_model=Status)
def read_the_status(desk: Desk, token: Reader) -> Status:
    """Combien de feuilles, de lots, de papiers, et où · How many sheets, lots and papers, and where."""
    station = desk.station
    return read_status(station.journal, station.profile, station.clock.now(), token.sites or None)


@router.get("/returns", response_model=Returns)
def list_returns(desk: Desk, token: Reader, after: After = 0, after_return: After = 0, limit: Limit = 50) -> Returns:
    """
    Les accusés de réception (ARL) après ``after``, les lignes des retours de paiement après ``after_return``.

    The acknowledgements (ARL) after ``after``, the lines of the payment returns after ``after_return``.
    """
    seen = listings(desk, token)
    return Returns(
        acknowledgements=seen.returns(after=after, limit=limit),
        payments=seen.payments(after=after_return, limit=limit),
    )
