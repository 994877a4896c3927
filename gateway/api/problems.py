"""
Every refusal of the API as one kind of document: problem details (RFC 9457) with the rule and its words.

The status says to a program what kind of refusal it is; ``rule`` says which one, in the catalogue of ``docs/rules.md``.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from fse.errors import FseError
from gateway.errors import GatewayError
from gateway.reply import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

__all__ = ["MEDIA_TYPE", "Problem", "answer_problems", "problem"]

MEDIA_TYPE = "application/problem+json"

_S = HTTPStatus
_STATUS = {
    "API-TOKEN": _S.UNAUTHORIZED,
    "API-SCOPE": _S.FORBIDDEN,
    "API-SITE": _S.FORBIDDEN,
    "API-ROUTE": _S.NOT_FOUND,
    "API-METHOD": _S.METHOD_NOT_ALLOWED,
    "API-BODY-SIZE": _S.REQUEST_ENTITY_TOO_LARGE,
    "API-BODY-SLOW": _S.REQUEST_TIMEOUT,
    "API-HEADERS": _S.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "API-MEDIA": _S.UNSUPPORTED_MEDIA_TYPE,
    "API-HOST": _S.MISDIRECTED_REQUEST,
    "API-BUSY": _S.SERVICE_UNAVAILABLE,
    "API-INTERNAL": _S.INTERNAL_SERVER_ERROR,
    "API-CARD": _S.NOT_FOUND,
    "API-PERIOD": _S.CONFLICT,
    "API-PERIOD-OPEN": _S.CONFLICT,
    "API-NO-FILE": _S.NOT_FOUND,
    "API-JSON": _S.BAD_REQUEST,
    "ENC-JSON": _S.BAD_REQUEST,
    "ENC-SIZE": _S.REQUEST_ENTITY_TOO_LARGE,
    "FILE-SIZE": _S.REQUEST_ENTITY_TOO_LARGE,
    "SHEET-UNKNOWN": _S.NOT_FOUND,
    "LOT-UNKNOWN": _S.NOT_FOUND,
    "PAPER-UNKNOWN": _S.NOT_FOUND,
    "LOT-NOT-HELD": _S.CONFLICT,
    "LIFE-NO-ROW": _S.CONFLICT,
    "LIFE-CONDITION": _S.CONFLICT,
    "SUBMIT-REFERENCE": _S.CONFLICT,
    "SUBMIT-NUMBER": _S.CONFLICT,
    "SUBMIT-CPS": _S.CONFLICT,
    "SUBMIT-OVERTAKEN": _S.CONFLICT,
    "SIGNING-OVER": _S.CONFLICT,
    "SIGNING-ENTITLEMENT": _S.FORBIDDEN,
    "CARD-IN-USE": _S.CONFLICT,
    "CARD-WITHDRAWN": _S.CONFLICT,
    "CARD-PIN-WRONG": _S.FORBIDDEN,
    "CARD-PIN-BLOCKED": _S.FORBIDDEN,
    "JOURNAL-USE": _S.SERVICE_UNAVAILABLE,
    "PAPER-EXTRA": _S.SERVICE_UNAVAILABLE,
}
"""What kind of refusal a rule is; any other is about what was sent (422)."""

_HEADERS = {
    "API-TOKEN": {"WWW-Authenticate": 'Bearer realm="fse"'},
    "API-SCOPE": {"WWW-Authenticate": 'Bearer realm="fse", error="insufficient_scope"'},
    "API-BUSY": {"Retry-After": "1"},
    "JOURNAL-USE": {"Retry-After": "5"},
}


class Problem(BaseModel):
    """Un refus : la règle, ce qui s'est passé et quoi faire. A refusal: the rule, what happened, what to do."""

    type: str = Field(examples=["urn:fse-gateway:rule:SUBMIT-REFERENCE"])
    title: str = Field(examples=["Conflict"])
    status: int = Field(examples=[409])
    detail: str
    rule: str = Field(examples=["SUBMIT-REFERENCE"])
    messages: dict[str, str] = Field(description="par langue : fr, en · by language")
    to_do: dict[str, str] = Field(description="par langue : fr, en · by language")


def problem(error: FseError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer that refuses because of ``error``."""
    status = _STATUS.get(error.rule.id, _S.UNPROCESSABLE_ENTITY)
    content = Problem(
        type=f"urn:fse-gateway:rule:{error.rule.id}",
        title=status.phrase,
        status=status,
        detail=error.message(LANGUAGES[0]),
        rule=error.rule.id,
        messages={language: error.message(language) for language in LANGUAGES},
        to_do={language: error.to_do(language) for language in LANGUAGES},
    )
    known = _HEADERS.get(error.rule.id, {})
    return JSONResponse(content.model_dump(), status, headers={**known, **(headers or {})}, media_type=MEDIA_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Have ``app`` answer every refusal, its own and the framework's, as a problem."""

    def refused(_request: Request, error: FseError) -> JSONResponse:
        return problem(error)

    def unknown(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code != _S.METHOD_NOT_ALLOWED:
            return problem(GatewayError("API-ROUTE"))
        return problem(GatewayError("API-METHOD"), {"Allow": ", ".join(_methods(app, request))})

    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        place = ".".join(str(step) for step in error.errors()[0]["loc"][1:])
        return problem(GatewayError("API-PARAMETER", place=place[:80]))

    app.exception_handler(FseError)(refused)
    app.exception_handler(HTTPException)(unknown)
    app.exception_handler(RequestValidationError)(invalid)


def _methods(app: FastAPI, request: Request) -> list[str]:
    """Return every method that the description gives to the path; the framework alone names those of one route."""
    matching = (
        found for path, found in app.openapi()["paths"].items() if compile_path(path)[0].match(request.url.path)
    )
    return sorted({method.upper() for operations in matching for method in operations})
