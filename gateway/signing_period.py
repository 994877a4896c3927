"""
Nobody signs unattended: lots are signed only during a period that a person opened with his card and PIN.

A period is bounded in time and in number of signatures. It holds the card, never the PIN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.errors import GatewayError

if TYPE_CHECKING:
    from datetime import datetime

    from fse.cms import Signer
    from gateway.clock import Clock
    from gateway.readers import ProfessionalCard

__all__ = ["SigningPeriod"]


class SigningPeriod:
    """
    A card entitled to sign lots, its PIN given, until ``until`` and for at most ``signatures``.

    Raises :class:`gateway.errors.GatewayError` (SIGNING-ENTITLEMENT) when the card may not sign lots.
    """

    def __init__(self, card: ProfessionalCard, clock: Clock, *, until: datetime, signatures: int) -> None:
        if not card.holder.may_sign_lot:
            raise GatewayError("SIGNING-ENTITLEMENT", rpps=card.holder.rpps)
        self._card = card
        self._clock = clock
        self._until = until
        self._left = signatures

    @property
    def is_open(self) -> bool:
        """Whether one more lot may be signed now."""
        return self._left > 0 and self._clock.now() <= self._until

    def use(self) -> Signer:
        """
        Return the signer for one lot.

        Raises :class:`gateway.errors.GatewayError` (SIGNING-OVER) when the period is over.
        """
        if not self.is_open:
            raise GatewayError("SIGNING-OVER", until=self._until)
        self._left -= 1
        return self._card.signer
