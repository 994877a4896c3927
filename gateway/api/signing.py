"""Signing periods and dispatch: ``/v1/signing-periods``, ``/v1/dispatch``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from gateway.api.access import Desk, RawBody, Signatory  # noqa: TC001 - FastAPI reads the annotations when it runs
from gateway.api.description import body
from gateway.api.models import Dispatched, DispatchRequest, Period, PeriodRequest, read_body

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["sign"])

RppsPath = Annotated[str, Path(pattern="^[0-9]{11}$")]


@router.post("/signing-periods", response_model=Period, status_code=201, openapi_extra=body(PeriodRequest))
def open_period(desk: Desk, token: Signatory, data: RawBody) -> Period:
    """
    Ouvre la carte logicielle d'un professionnel : ses feuilles et ses lots sont signés jusqu'à la fin de la période.

    Opens the software card of a professional: sheets and lots are signed with it until the period is over. The PIN goes
    to the card and nowhere else; three wrong ones block it.
    """
    del token
    asked = read_body(PeriodRequest, data)
    opened = desk.signing.open(
        asked.rpps, asked.pin.get_secret_value(), minutes=asked.minutes, signatures=asked.signatures
    )
    return Period(rpps=opened.rpps, until=opened.until, signatures=asked.signatures)


@router.delete("/signing-periods/{rpps}", status_code=204, response_class=Response)
def close_period(desk: Desk, token: Signatory, rpps: RppsPath) -> None:
    """Rend la carte : plus rien n'est signé · Gives the card back: nothing is signed any more."""
    del token
    desk.signing.end(rpps)


@router.post("/dispatch", response_model=Dispatched, openapi_extra=body(DispatchRequest))
def dispatch(desk: Desk, token: Signatory, data: RawBody) -> Dispatched:
    """Ferme les lots, les fait signer par la carte ouverte, envoie · Closes the lots, has them signed, sends."""
    del token
    return Dispatched(lots=desk.signing.send_all(read_body(DispatchRequest, data).rpps))
