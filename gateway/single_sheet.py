"""One encounter sealed by itself, without a journal: for the command line, and for whoever keeps his own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fse.card_identity import with_card
from fse.deadlines import paris_date
from fse.decision import decide, draw_up
from fse.encounter import CardInReader
from fse.routing import Outcome
from fse.seals import seal_as_patient, seal_as_professional
from fse.sheet_xml import write_sheet
from gateway.card_checks import check_cards
from gateway.errors import GatewayError
from gateway.readers import VitaleCard
from gateway.reply import LANGUAGES, word

if TYPE_CHECKING:
    from datetime import date

    from fse.act_table import ActTable
    from fse.caisses import CaisseTable
    from fse.decision import Decision
    from fse.encounter import Encounter
    from fse.seals import SealedSheet
    from fse.sheet import Sheet
    from gateway.profile import ServiceProfile
    from gateway.readers import CardsAtHand

__all__ = ["SealedAlone", "seal_one"]


@dataclass(frozen=True, slots=True)
class SealedAlone:
    """A sheet and its sealed file; ``elsewhere`` says in words what became of acts that are not on it."""

    sheet: Sheet
    file: SealedSheet
    deadline: date
    elsewhere: tuple[str, ...]


def seal_one(
    encounter: Encounter,
    cards: CardsAtHand,
    profile: ServiceProfile,
    acts: ActTable,
    caisses: CaisseTable,
    *,
    number: int,
) -> SealedAlone:
    """
    Return ``encounter`` sealed under ``number``, signed at the time of the encounter.

    Raises :class:`gateway.errors.GatewayError` SEAL-NO-SHEET when no electronic sheet comes out of it, SEAL-SEVERAL
    when more than one does, SUBMIT-CPS without a CPS; and the errors of the cards and of ``fse``.
    """
    vitale = None
    if encounter.vitale is CardInReader.PRESENT and encounter.patient.kind == "identified":
        if cards.vitale is None:
            raise GatewayError("SEAL-NO-VITALE")
        vitale = VitaleCard.insert(cards.vitale)
        encounter = with_card(encounter, vitale.data)
    decisions = decide(encounter, acts, caisses)
    sheets = [found for found in decisions if found.outcome in {Outcome.SECURED, Outcome.DEGRADED}]
    others = tuple(_in_words(found) for found in decisions if found not in sheets)
    if len(sheets) != 1:
        raise (
            GatewayError("SEAL-SEVERAL", count=len(sheets))
            if sheets
            else GatewayError("SEAL-NO-SHEET", why=" ".join(others))
        )
    if cards.professional is None:
        raise GatewayError("SUBMIT-CPS")
    decision, at = sheets[0], encounter.at
    sheet = draw_up(
        decision,
        encounter,
        number=number,
        order=1,
        day=paris_date(at),
        biller=profile.biller,
        specification=profile.specification,
    )
    check_cards(sheet, cards.professional, vitale)
    payload = write_sheet(sheet)
    patient = None if vitale is None else seal_as_patient(payload, vitale.signer, at)
    file = seal_as_professional(payload, cards.professional.signer, at, sheet.mode.purpose, patient)
    return SealedAlone(sheet, file, profile.policy.first_emission_limit(sheet.delay_from), others)


def _in_words(decision: Decision) -> str:
    codes = ", ".join(act.code for act in decision.acts)
    if decision.refusal is not None:
        return f"{codes} : [{decision.refusal.rule.id}] {decision.refusal.message(LANGUAGES[0])}"
    reason = decision.row.reason if decision.row else "price"
    return f"{codes} : {word('outcome', decision.outcome)} ({word('reason', reason)})."
