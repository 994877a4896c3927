"""The API put together: one application over one station."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from fastapi import FastAPI

from gateway.api import health, papers_and_lots, reading, submissions
from gateway.api import signing as signatures
from gateway.api.access import Office
from gateway.api.description import describe
from gateway.api.guard import Guard
from gateway.api.problems import answer_problems
from gateway.logs import SILENT
from gateway.outside_sheets import OutsideSheets

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.logs import Log
    from gateway.signing_desk import SigningDesk
    from gateway.station import Station

__all__ = ["LOOPBACK_NAMES", "make_app"]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def make_app(
    station: Station, signing: SigningDesk, *, names: Collection[str] = LOOPBACK_NAMES, log: Log = SILENT
) -> FastAPI:
    """
    Return the API of ``station``; ``signing`` holds its cards, ``names`` are the host names that it answers to.

    Handlers run in threads: the journal is synchronous.
    """
    app = FastAPI(
        title="fse-gateway",
        version=version("fse-gateway"),
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    outside = OutsideSheets(journal=station.journal, profile=station.profile, clock=station.clock, trust=station.trust)
    app.state.office = Office(station, signing, outside)
    for part in (submissions, reading, papers_and_lots, signatures, health):
        app.include_router(part.router)
    app.openapi = describe(app)  # type: ignore[method-assign] # as FastAPI documents it
    answer_problems(app)
    app.add_middleware(Guard, names=names, log=log)
    return app
