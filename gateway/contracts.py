"""
Nothing leaves for a concentrator without a contract in force that day (protocol art. 3; PROT-11, PROT-12).

The check stands in front of the transport, so that a refusal comes before the first byte. What came back for files that
left under a contract is still collected after its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.deadlines import paris_date
from gateway.errors import GatewayError
from gateway.transport import ConcentratorClient, Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.clock import Clock
    from gateway.registers import Contract
    from gateway.routing_label import FileLabel
    from gateway.transport import Transport

__all__ = ["ContractedTransport", "contracted_concentrator"]


@dataclass(frozen=True, slots=True)
class ContractedTransport:
    """
    A transport that sends only to endpoints under contract.

    ``endpoint`` gives the address that ``transport`` sends the files of a caisse to, by its 9-digit code.
    """

    transport: Transport
    contracts: tuple[Contract, ...]
    clock: Clock
    endpoint: Callable[[str], str]

    def send(self, label: FileLabel, envelope: bytes, attempt: int) -> tuple[Sending, str]:
        """See :meth:`gateway.transport.Transport.send`; without a contract refused, with the rule OCT-CONTRACT."""
        endpoint, on = self.endpoint(label.organism), paris_date(self.clock.now())
        if not any(contract.allows(endpoint, label.biller, on) for contract in self.contracts):
            return Sending.REFUSED, str(GatewayError("OCT-CONTRACT", on=on, endpoint=endpoint))
        return self.transport.send(label, envelope, attempt)

    def messages(self, biller: str) -> list[str]:
        """See :meth:`gateway.transport.Transport.messages`."""
        return self.transport.messages(biller)

    def fetch(self, biller: str, message: str) -> bytes:
        """See :meth:`gateway.transport.Transport.fetch`."""
        return self.transport.fetch(biller, message)

    def remove(self, biller: str, message: str) -> None:
        """See :meth:`gateway.transport.Transport.remove`."""
        self.transport.remove(biller, message)


def contracted_concentrator(
    default: str, contracts: tuple[Contract, ...], clock: Clock, routes: Mapping[str, str] | None = None
) -> ContractedTransport:
    """
    Return the client of the concentrator at ``default``, and of those in ``routes`` by caisse, under ``contracts``.

    Raises :class:`gateway.errors.GatewayError` (ADDRESS-REAL).
    """
    known = dict(routes or {})
    client = ConcentratorClient(default, known)
    return ContractedTransport(client, contracts, clock, lambda organism: known.get(organism, default))
