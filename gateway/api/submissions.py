"""Facts and sealed sheets come in: ``/v1/encounters``, ``/v1/numbers``, ``POST /v1/sheets``."""

from __future__ import annotations

from fastapi import APIRouter

from fse.encounter import Encounter, read_encounter
from gateway.api.access import Desk, RawBody, Submitter, check_site
from gateway.api.description import body
from gateway.api.models import Numbers, NumbersRequest, SealedSheetRequest, read_body
from gateway.errors import GatewayError
from gateway.reply import Reply

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["submit"])


@router.post("/encounters", response_model=tuple[Reply, ...], openapi_extra=body(Encounter))
def submit_encounter(desk: Desk, token: Submitter, data: RawBody) -> tuple[Reply, ...]:
    """
    Une consultation entre, une réponse par document en sort ; la même sous la même référence a la même réponse.

    An encounter comes in, one reply for each document goes out; the same one under the same reference gets the same
    answer. A sheet needs the card of its professional: open a signing period first, else 409 SUBMIT-CPS.
    """
    encounter = read_encounter(data)
    check_site(token, [encounter.site])
    return desk.signing.submit(encounter)


@router.post("/numbers", response_model=Numbers, status_code=201, openapi_extra=body(NumbersRequest))
def reserve_numbers(desk: Desk, token: Submitter, data: RawBody) -> Numbers:
    """
    Réserve des numéros de FSE pour un logiciel qui scelle lui-même ; un numéro ne sert qu'une fois.

    Reserves FSE numbers for software that seals by itself; a number serves once.
    """
    asked = read_body(NumbersRequest, data)
    check_site(token, [asked.site])
    return Numbers(site=asked.site, numbers=desk.outside.reserve(asked.site, asked.count))


@router.post("/sheets", response_model=Reply, openapi_extra=body(SealedSheetRequest))
def submit_sheet(desk: Desk, token: Submitter, data: RawBody) -> Reply:
    """
    Une feuille scellée ailleurs entre, avec ses faits ; sceaux, numéro et contenu sont vérifiés un à un.

    A sheet that was sealed elsewhere comes in with its facts; seals, number and content are verified one by one. The
    same bytes get the same answer; other bytes under a used number 409 SUBMIT-NUMBER.
    """
    asked = read_body(SealedSheetRequest, data)
    if asked.reference != asked.encounter.reference:
        raise GatewayError("SUBMIT-SHEET-DIFFERS", place="reference")
    check_site(token, [asked.encounter.site])
    return desk.outside.take(asked.encounter, asked.sealed)
