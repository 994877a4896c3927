"""The issuer's revocation lists over HTTP, as distribution points serve them (RFC 5280, 4.2.1.13): DER."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

__all__ = ["revocation_app"]


def revocation_app(current: Callable[[str], bytes | None]) -> Starlette:
    """Return the application that serves ``/crl/NAME.crl``; ``current`` gives the DER of a list now, None for none."""

    async def answer(request: Request) -> Response:
        content = current(request.path_params["name"])
        if content is None:
            return Response(status_code=404)
        tag = f'"{sha256(content).hexdigest()}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return Response(content, media_type="application/pkix-crl", headers={"ETag": tag})

    return Starlette(routes=[Route("/crl/{name}.crl", answer, methods=["GET"])])
