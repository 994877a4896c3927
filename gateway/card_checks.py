"""
The cards in the reader held against a sheet before anybody signs.

The very checks of whoever receives it: whose cards they are, what they entitle to, and whether the trust store
vouches for them now, so that no number is spent on a sheet that is bound to be rejected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate

from fse.holders import CpsEntitlement, VitaleHolders
from fse.seals import check_patient, check_professional

if TYPE_CHECKING:
    from datetime import datetime

    from fse.sheet import Sheet
    from fse.trust import TrustStore
    from gateway.readers import ProfessionalCard, VitaleCard

__all__ = ["check_cards"]


def check_cards(
    sheet: Sheet, cps: ProfessionalCard, vitale: VitaleCard | None, trust: TrustStore | None, at: datetime
) -> None:
    """
    Raise what stands against signing ``sheet`` with these cards at ``at``.

    The errors of ``fse.seals``, :class:`fse.holders.HolderError`, and, with a ``trust`` store,
    :class:`fse.trust.TrustError`.
    """
    certificate = load_der_x509_certificate(cps.holder.certificate)
    check_professional(sheet, CpsEntitlement.of(certificate))
    if trust is not None:
        trust.check(certificate, cps.holder.issuer_certificate, "cps", at)
    if vitale is None:
        return
    certificate = load_der_x509_certificate(vitale.data.certificate)
    check_patient(sheet, VitaleHolders.of(certificate))
    if trust is not None:
        trust.check(certificate, vitale.data.issuer_certificate, "vitale", at)
