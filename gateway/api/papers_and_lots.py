"""Papers and lots, and what a person does with them: ``/v1/documents``, ``/v1/lots``."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from fse.documents import read_document
from fse.lifecycle import LotState, PaperEvent, PaperState
from fse.tables import package_tables
from gateway.api.access import Desk, Office, Operator, RawBody, Reader, check_site
from gateway.api.description import body, file
from gateway.api.models import (
    Acknowledgement,
    LotView,
    PaperDetail,
    PaperEventRequest,
    PaperView,
    RequeueRequest,
    read_body,
)
from gateway.api.reading import After, Limit, Number, listings
from gateway.errors import GatewayError
from gateway.paper import render

__all__ = ["router"]

router = APIRouter(prefix="/v1")

PaperStateQuery = Annotated[PaperState | None, Query()]
LotStateQuery = Annotated[LotState | None, Query()]
SheetQuery = Annotated[int | None, Query(ge=1, le=999_999_999)]
Rank = Annotated[int, Path(ge=1, le=999_999)]


@router.get("/documents", response_model=list[PaperView], tags=["documents"])
def list_documents(
    desk: Desk,
    token: Reader,
    state: PaperStateQuery = None,
    sheet: SheetQuery = None,
    after: After = 0,
    limit: Limit = 50,
) -> list[PaperView]:
    """
    Les papiers par numéro ; ceux des soins anonymes n'ont pas de numéro et ne sont pas ici.

    The papers by number; those of anonymous care have no number and are not here.
    """
    return listings(desk, token).papers(state=state, sheet=sheet, after=after, limit=limit)


@router.get("/documents/{number}", response_model=PaperDetail, tags=["documents"])
def read_one_document(desk: Desk, token: Reader, number: Number) -> PaperDetail:
    """Un papier et ce qu'il dit · A paper and what it says."""
    view = listings(desk, token).paper(number)
    return PaperDetail(**dict(view), document=json.loads(_document(desk, number)))


@router.get(
    "/documents/{number}/pdf",
    response_class=Response,
    responses=file("application/pdf", "le papier à imprimer · the paper to print"),
    tags=["documents"],
)
def read_document_as_pdf(desk: Desk, token: Reader, number: Number) -> Response:
    """Le papier, prêt à imprimer · The paper, ready to print."""
    listings(desk, token).paper(number)
    return Response(render(read_document(_document(desk, number)), package_tables()), media_type="application/pdf")


@router.post(
    "/documents/{number}/events",
    response_model=PaperView,
    tags=["documents"],
    openapi_extra=body(PaperEventRequest),
)
def move_document(desk: Desk, token: Operator, number: Number, data: RawBody) -> PaperView:
    """Dit qu'un papier est imprimé, posté, reçu ou annulé · Says that it was printed, posted, received or voided."""
    asked = read_body(PaperEventRequest, data)
    seen = listings(desk, token)
    seen.paper(number)
    desk.station.gateway.move_paper(number, PaperEvent(asked.event), asked.reason)
    return seen.paper(number)


@router.get("/lots", response_model=list[LotView], tags=["lots"])
def list_lots(
    desk: Desk, token: Reader, state: LotStateQuery = None, after: After = 0, limit: Limit = 50
) -> list[LotView]:
    """Les lots par numéro · The lots by number."""
    return listings(desk, token).lots(state=state, after=after, limit=limit)


@router.get("/lots/{number}", response_model=LotView, tags=["lots"])
def read_lot(desk: Desk, token: Reader, number: Number) -> LotView:
    """Où en est un lot · Where a lot stands."""
    return listings(desk, token).lot(number)[0]


@router.get(
    "/lots/{number}/signed",
    response_class=Response,
    responses=file("application/octet-stream", "le lot signé · the signed lot"),
    tags=["lots"],
)
def read_signed_lot(desk: Desk, token: Reader, number: Number) -> Response:
    """Le lot signé ; il faut un jeton de tous ses sites · The signed lot, for a token of all its sites."""
    check_site(token, listings(desk, token).lot(number)[1])
    with desk.station.journal.read() as tx:
        stored = tx.lot(number)
    if stored is None or stored.signed is None:
        raise GatewayError("API-NO-FILE")
    return Response(stored.signed, media_type="application/octet-stream")


@router.get("/lots/{number}/acknowledgements", response_model=list[Acknowledgement], tags=["lots"])
def list_acknowledgements(desk: Desk, token: Reader, number: Number) -> list[Acknowledgement]:
    """Ce que la caisse a répondu, le plus ancien d'abord · What the caisse answered, oldest first."""
    listings(desk, token).lot(number)
    found = enumerate(_answers(desk, number), 1)
    return [Acknowledgement(rank=rank, result=result) for rank, (result, _) in found]


@router.get(
    "/lots/{number}/acknowledgements/{rank}",
    response_class=Response,
    responses=file("application/octet-stream", "l'accusé signé par la caisse · the answer as the caisse signed it"),
    tags=["lots"],
)
def read_acknowledgement(desk: Desk, token: Reader, number: Number, rank: Rank) -> Response:
    """L'accusé tel que la caisse l'a signé · The acknowledgement as the caisse signed it."""
    check_site(token, listings(desk, token).lot(number)[1])
    found = _answers(desk, number)
    if rank > len(found):
        raise GatewayError("API-NO-FILE")
    return Response(found[rank - 1][1], media_type="application/octet-stream")


@router.post("/lots/{number}/release", response_model=LotView, tags=["lots"])
def release_lot(desk: Desk, token: Operator, number: Number) -> LotView:
    """Fait repartir un lot retenu · Lets a lot go that waits for a person."""
    seen = listings(desk, token)
    check_site(token, seen.lot(number)[1])
    desk.station.gateway.dispatch.release(number)
    return seen.lot(number)[0]


@router.post("/lots/{number}/requeue", response_model=LotView, tags=["lots"], openapi_extra=body(RequeueRequest))
def requeue_lot(desk: Desk, token: Operator, number: Number, data: RawBody) -> LotView:
    """Rend les feuilles d'un lot refusé à la file · Gives the sheets of a refused lot back to the queue."""
    asked = read_body(RequeueRequest, data)
    seen = listings(desk, token)
    check_site(token, seen.lot(number)[1])
    desk.station.gateway.requeue(number, faulty=asked.faulty)
    return seen.lot(number)[0]


def _document(desk: Office, number: int) -> str:
    with desk.station.journal.read() as tx:
        stored = tx.paper(number)
    if stored is None:
        raise GatewayError("PAPER-UNKNOWN", number=number)
    return stored.document


def _answers(desk: Office, number: int) -> list[tuple[str, bytes]]:
    with desk.station.journal.read() as tx:
        return list(tx.acknowledgements(number))
