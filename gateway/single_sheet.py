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
from fse.vitale_update import is_out_of_date
from gateway.card_checks import check_cards
from gateway.errors import GatewayError
from gateway.readers import VitaleCard
from gateway.reply import LANGUAGES, word

if TYPE_CHECKING:
    from datetime import date

    from fse.decision import Decision
    from fse.encounter import Encounter
    from fse.seals import SealedSheet
    from fse.sheet import Sheet
    from fse.tables import Tables
    from fse.trust import TrustStore
    from gateway.profile import ServiceProfile
    from gateway.readers import CardsAtHand

__all__ = ["SealedAlone", "require_one_sheet", "seal_one"]


@dataclass(frozen=True, slots=True)
class SealedAlone:
    """
    A sheet and its sealed file.

    ``elsewhere`` says in words what became of acts that are not on it; ``card_updated_on`` is set when the Vitale was
    last updated more than a year before (protocol art. 5: a reminder for the insured).
    """

    sheet: Sheet
    file: SealedSheet
    deadline: date
    elsewhere: tuple[str, ...]
    card_updated_on: date | None = None


def seal_one(
    encounter: Encounter,
    cards: CardsAtHand,
    profile: ServiceProfile,
    tables: Tables,
    *,
    number: int,
    opposed_cards: frozenset[str] = frozenset(),
    trust: TrustStore | None = None,
) -> SealedAlone:
    """
    Return ``encounter`` sealed under ``number``, signed at the time of the encounter.

    Raises :class:`gateway.errors.GatewayError`: SEAL-NO-SHEET when no electronic sheet comes out of it, SEAL-SEVERAL
    when more than one does, SUBMIT-SITE for a site that the profile does not list, SUBMIT-CPS without a CPS; and the
    errors of the cards and of ``fse``. With a ``trust`` store, :class:`fse.trust.TrustError` for a card that it does
    not vouch for at the time of the encounter.
    """
    if encounter.site not in profile.sites:
        raise GatewayError("SUBMIT-SITE", site=encounter.site)
    vitale = None
    if encounter.vitale is CardInReader.PRESENT and encounter.patient.kind == "identified":
        if cards.vitale is None:
            raise GatewayError("SEAL-NO-VITALE")
        vitale = VitaleCard.insert(cards.vitale)
        encounter = with_card(encounter, vitale.data)
    opposed = vitale is not None and vitale.data.serial in opposed_cards
    decisions = decide(encounter, tables, opposed=opposed, policy=profile.channels)
    decision, others = require_one_sheet(decisions)
    if cards.professional is None:
        raise GatewayError("SUBMIT-CPS")
    at = encounter.at
    sheet = draw_up(
        decision,
        encounter,
        number=number,
        order=1,
        day=paris_date(at),
        biller=profile.biller,
        specification=profile.specification,
        anonymous_organism=profile.anonymous_organism(encounter.site),
    )
    signing_patient = vitale if decision.mode.secured else None
    check_cards(sheet, cards.professional, signing_patient, trust, at)
    payload = write_sheet(sheet)
    patient = None if signing_patient is None else seal_as_patient(payload, signing_patient.signer, at)
    file = seal_as_professional(payload, cards.professional.signer, at, sheet.mode.purpose, patient)
    old = None
    if vitale is not None and is_out_of_date(vitale.data.updated_on, paris_date(at)):
        old = vitale.data.updated_on
    return SealedAlone(sheet, file, profile.policy.first_emission_limit(sheet.delay_from), others, old)


def require_one_sheet(decisions: tuple[Decision, ...]) -> tuple[Decision, tuple[str, ...]]:
    """
    Return the one decision that is an electronic sheet, and the others in words.

    Raises :class:`gateway.errors.GatewayError`: SEAL-NO-SHEET, SEAL-SEVERAL.
    """
    sheets = [found for found in decisions if found.outcome in {Outcome.SECURED, Outcome.DEGRADED}]
    others = tuple(_in_words(found) for found in decisions if found not in sheets)
    if not sheets:
        raise GatewayError("SEAL-NO-SHEET", why=" ".join(others))
    if len(sheets) > 1:
        raise GatewayError("SEAL-SEVERAL", count=len(sheets))
    return sheets[0], others


def _in_words(decision: Decision) -> str:
    codes = ", ".join(act.code for act in decision.acts)
    if decision.refusal is not None:
        return f"{codes} : [{decision.refusal.rule.id}] {decision.refusal.message(LANGUAGES[0])}"
    reason = decision.row.reason if decision.row else "price"
    return f"{codes} : {word('outcome', decision.outcome)} ({word('reason', reason)})."
