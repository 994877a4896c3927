"""
A simulated concentrator (OCT): carries files to caisses, acknowledgements and returns to mailboxes, over HTTP.

It routes by the label alone: it has no key, so it cannot read a sheet. It delivers bytes as it received them (protocol
art. 3), unless a fault was asked of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING

import urllib3
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.envelopes import MAX_ENVELOPE_BYTES
from gateway.routing_label import FileLabel, LabelError
from gateway.simulator.bodies import read_body
from gateway.simulator.faults import FaultKind, FaultPlan
from gateway.transport import IDEMPOTENCY_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

__all__ = ["RETURNS", "Concentrator"]

RETURNS = "retour"
"""The mode by which faults name the flow of payment returns."""

_SECONDS = 10
_ANSWERED = 200


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What an attempt carried (label and bytes), and whether it is through."""

    content: str
    through: bool = False

    def answer(self, content: str) -> Response:
        """Return the answer to the same attempt with this ``content``: other content is refused."""
        if content != self.content:
            return _refusal(409, "autre contenu sous la même tentative")
        return JSONResponse({"recu": True, "deja": True}, 202) if self.through else _refusal(503, "tentative en cours")


class Concentrator:
    """
    One OCT.

    ``caisses`` gives the address of each caisse by its 9-digit code, ``contracts`` the billers it works for (protocol
    art. 3: an OCT acts under contract, so a biller without one is turned away).
    """

    def __init__(self, caisses: Mapping[str, str], contracts: frozenset[str], faults: FaultPlan) -> None:
        self._caisses = caisses
        self._contracts = contracts
        self._faults = faults
        self._mailboxes: dict[str, dict[int, bytes]] = {biller: {} for biller in contracts}
        self._delivered = 0
        self._held: list[tuple[str, bytes]] = []
        self._attempts: dict[tuple[str, str], _Attempt] = {}
        self._lock = Lock()
        self._http = urllib3.PoolManager(timeout=_SECONDS, retries=False)

    def app(self) -> Starlette:
        """Return the concentrator as an ASGI application."""
        return Starlette(
            routes=[
                Route("/fichiers", self._take, methods=["POST"]),
                Route("/boites/{biller}", self._list, methods=["GET"]),
                Route("/boites/{biller}/{message:int}", self._fetch, methods=["GET"]),
                Route("/boites/{biller}/{message:int}", self._remove, methods=["DELETE"]),
            ]
        )

    def deliver(self, biller: str, message: bytes, organism: str) -> None:
        """
        Put a payment return of the caisse ``organism`` into the mailbox of ``biller``.

        The faults «lose-return», «delay-return» and «duplicate-return» strike it; nothing is kept for a biller without
        a contract.
        """
        if biller not in self._contracts or self._faults.strikes(FaultKind.LOSE_RETURN, organism, RETURNS):
            return
        if self._faults.strikes(FaultKind.DELAY_RETURN, organism, RETURNS):
            with self._lock:
                self._held.append((biller, message))
            return
        twice = self._faults.strikes(FaultKind.DUPLICATE_RETURN, organism, RETURNS)
        for _ in range(2 if twice else 1):
            self._put(biller, message)

    def deliver_delayed(self) -> None:
        """Put what was held back into its mailboxes."""
        with self._lock:
            held, self._held = self._held, []
        for biller, message in held:
            self._put(biller, message)

    def _put(self, biller: str, message: bytes) -> None:
        with self._lock:
            self._delivered += 1
            self._mailboxes[biller][self._delivered] = message

    async def _take(self, request: Request) -> Response:
        body = await read_body(request, MAX_ENVELOPE_BYTES)
        if body is None:
            return _refusal(413, "fichier trop grand")
        try:
            label = FileLabel.read(request.headers)
        except LabelError as error:
            return _refusal(400, str(error))
        if label.biller not in self._contracts:
            return _refusal(403, "aucun contrat avec ce facturier")
        if label.organism not in self._caisses:
            return _refusal(404, "organisme inconnu de ce concentrateur")
        if self._faults.strikes(FaultKind.REFUSE_FILE, label.organism, label.mode):
            return _refusal(503, "concentrateur indisponible")
        return await self._take_once(label, body, request.headers.get(IDEMPOTENCY_KEY, ""))

    async def _take_once(self, label: FileLabel, body: bytes, key: str) -> Response:
        """Carry the file, unless this very attempt (``key``; empty: none) was here before: it has one effect."""
        attempt, content = (label.biller, key), sha256(repr(label).encode() + body).hexdigest()
        with self._lock:
            known = self._attempts.get(attempt) if key else None
            if known is None:
                self._attempts[attempt] = _Attempt(content)
        if known is not None:
            return known.answer(content)
        try:
            await run_in_threadpool(self._carry, label, body)
        except BaseException:
            with self._lock:
                self._attempts.pop(attempt, None)
            raise
        with self._lock:
            self._attempts[attempt] = _Attempt(content, through=True)
        return JSONResponse({"recu": True}, 202)

    def _carry(self, label: FileLabel, body: bytes) -> None:
        if self._faults.strikes(FaultKind.ALTER_FILE, label.organism, label.mode):
            body = body[:-1] + bytes((body[-1] ^ 1,))
        answer = self._http.request("POST", self._caisses[label.organism], body=body, headers=label.headers())
        if answer.status == _ANSWERED and not self._faults.strikes(FaultKind.LOSE_ARL, label.organism, label.mode):
            self._put(label.biller, answer.data)

    async def _list(self, request: Request) -> Response:
        with self._lock:
            return JSONResponse({"messages": sorted(self._mailbox(request))})

    async def _fetch(self, request: Request) -> Response:
        with self._lock:
            found = self._mailbox(request).get(request.path_params["message"])
        return Response(status_code=404) if found is None else Response(found, media_type="application/pkcs7-mime")

    async def _remove(self, request: Request) -> Response:
        with self._lock:
            self._mailbox(request).pop(request.path_params["message"], None)
        return Response(status_code=204)

    def _mailbox(self, request: Request) -> dict[int, bytes]:
        return self._mailboxes.get(request.path_params["biller"], {})


def _refusal(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"recu": False, "motif": reason}, status)
