"""The simulated caisses as one ASGI application: a file in, its acknowledgement out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.routing_label import FileLabel, LabelError
from gateway.simulator.bodies import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from gateway.simulator.caisse import Caisse

__all__ = ["caisse_app"]


def caisse_app(caisses: Mapping[str, Caisse]) -> Starlette:
    """Return the application that serves ``caisses`` (by 9-digit code) under ``/caisses/CODE/fichiers``."""

    async def receive(request: Request) -> Response:
        caisse = caisses.get(request.path_params["organism"])
        body = await read_body(request, MAX_ENVELOPE_BYTES)
        if body is None:
            return Response(status_code=413)
        try:
            label = FileLabel.read(request.headers)
        except LabelError as error:
            return Response(str(error), 400)
        if caisse is None or label.biller not in caisse.billers:
            return Response(status_code=404)
        return Response(await run_in_threadpool(caisse.receive, label, body), media_type="application/pkcs7-mime")

    return Starlette(routes=[Route("/caisses/{organism}/fichiers", receive, methods=["POST"])])
