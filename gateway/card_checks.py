"""The cards in the reader held against a sheet, as whoever receives it will hold them, before anybody signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate

from fse.holders import CpsEntitlement, VitaleHolders
from fse.seals import check_patient, check_professional

if TYPE_CHECKING:
    from fse.sheet import Sheet
    from gateway.readers import ProfessionalCard, VitaleCard

__all__ = ["check_cards"]


def check_cards(sheet: Sheet, cps: ProfessionalCard, vitale: VitaleCard | None) -> None:
    """Raise the error of ``fse.seals`` that names what stands against signing ``sheet`` with these cards."""
    check_professional(sheet, CpsEntitlement.of(load_der_x509_certificate(cps.holder.certificate)))
    if vitale is not None:
        check_patient(sheet, VitaleHolders.of(load_der_x509_certificate(vitale.data.certificate)))
