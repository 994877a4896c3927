"""The description of the API (OpenAPI 3.1): bodies that are read as bytes, examples, refusals of every operation."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from fse.encounter import Encounter
from gateway.api.models import (
    DispatchRequest,
    NumbersRequest,
    PaperEventRequest,
    PeriodRequest,
    RequeueRequest,
    SealedSheetRequest,
)
from gateway.api.problems import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI
    from pydantic import BaseModel

__all__ = ["body", "describe", "file"]

_REFERENCE = "#/components/schemas/{model}"
_REFUSALS = (400, 401, 403, 404, 405, 408, 409, 413, 415, 421, 422, 431, 500, 503)
_EXAMPLE = {
    "reference": "2025-03-04.C01",
    "at": "2025-03-04T09:40:00+01:00",
    "site": "629990003",
    "professional": {
        "rpps": "99700000013",
        "profession": "medecin",
        "family_name": "MODELE",
        "first_name": "Camille",
    },
    "patient": {
        "kind": "identified",
        "insured": {
            "nir": "185036204199978",
            "family_name": "DUTEST",
            "first_name": "Marc",
            "birth_date": "1985-03-12",
        },
        "organism": "019990000",
    },
    "acts": [{"code": "COD"}],
}
_BODIES: dict[type[BaseModel], dict[str, Any]] = {
    Encounter: _EXAMPLE,
    NumbersRequest: {"site": "629990003", "count": 10},
    SealedSheetRequest: {"reference": "2025-03-04.C01", "encounter": _EXAMPLE, "sealed": "RlNF"},
    PaperEventRequest: {"event": "print"},
    RequeueRequest: {"faulty": []},
    PeriodRequest: {"rpps": "99700000013", "pin": "1234", "minutes": 30, "signatures": 50},
    DispatchRequest: {"rpps": "99700000013"},
}
_INTRODUCTION = """Passerelle FSE simulée : rien ici n'est homologué, aucune donnée réelle n'a sa place.
Chaque refus est un document application/problem+json : la règle, ce qui s'est passé, quoi faire, en français et en
anglais.

A simulated FSE gateway: nothing here is approved for real use, no real data belongs in it. Every refusal is an
application/problem+json document: the rule, what happened, what to do, in French and in English."""


def body(model: type[BaseModel]) -> dict[str, Any]:
    """Return what an operation says of the JSON body that it reads as ``model``."""
    schema = {"$ref": _REFERENCE.format(model=model.__name__)}
    content = {"application/json": {"schema": schema, "example": _BODIES[model]}}
    return {"requestBody": {"required": True, "content": content}}


def file(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return what an operation says of the file that it answers with."""
    schema = {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {media_type: {"schema": schema}}}}


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return what gives the description of ``app``, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    return openapi


def _describe(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(title=app.title, version=app.version, description=_INTRODUCTION, routes=app.routes)
    named = found["components"]["schemas"]
    _, bodies = models_json_schema([(model, "validation") for model in _BODIES], ref_template=_REFERENCE)
    _, answers = models_json_schema([(Problem, "serialization")], ref_template=_REFERENCE)
    named |= bodies["$defs"] | answers["$defs"]
    named.pop("HTTPValidationError", None)
    named.pop("ValidationError", None)
    refusal = {"schema": {"$ref": _REFERENCE.format(model=Problem.__name__)}}
    for operations in found["paths"].values():
        for operation in operations.values():
            for status in _REFUSALS:
                operation["responses"][str(status)] = {
                    "description": HTTPStatus(status).phrase,
                    "content": {MEDIA_TYPE: refusal},
                }
    return found
