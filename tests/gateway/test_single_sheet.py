"""One sheet sealed by itself, without a journal: the same checks, the same route, one sheet exactly."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from fse.errors import FseError
from fse.seals import verify_sheet
from fse.tables import package_tables
from gateway.errors import GatewayError
from gateway.profile import load_profile
from gateway.readers import CardsAtHand
from gateway.single_sheet import seal_one
from tests.fse import sheet_builders as build
from tests.gateway.bench import ANONYMOUS_IVG, TUESDAY, insert, patient, visit, vitale

if TYPE_CHECKING:
    from gateway.single_sheet import SealedAlone


def _seal(
    family: str | None = "dutest",
    *,
    cps: bool = True,
    opposed: frozenset[str] = frozenset(),
    **changes: Any,  # noqa: ANN401 - fields of any type
) -> SealedAlone:
    professional = insert(build.cps("medecin"), "medecin") if cps else None
    cards = CardsAtHand(professional, None if family is None else vitale(family))
    encounter = visit(**changes)
    return seal_one(encounter, cards, load_profile(), package_tables(), number=42, opposed_cards=opposed)


def test_a_secured_sheet_verifies() -> None:
    """Both cards: number and deadline as asked, signed at the hour of the encounter."""
    made = _seal()
    found = verify_sheet(made.file.encode(), build.trust(), TUESDAY)
    assert (found.sheet, found.sheet.number, made.deadline) == (made.sheet, 42, date(2025, 3, 14))
    assert found.signed_at == visit().at
    assert made.elsewhere == ()


@pytest.mark.parametrize(
    ("family", "changes", "cause"),
    [(None, {"vitale": "absent"}, "sans-carte"), ("dutest", {"vitale": "unreadable"}, "materiel")],
)
def test_a_degraded_sheet_has_the_professionals_seal_alone(
    family: str | None, changes: dict[str, Any], cause: str
) -> None:
    """Without a usable Vitale: its cause inside what is signed, no seal of a patient."""
    made = _seal(family, **changes)
    assert (made.sheet.mode.cause, made.file.patient) == (cause, None)
    assert verify_sheet(made.file.encode(), build.trust(), TUESDAY).patient is None


def test_an_opposed_card_does_not_sign() -> None:
    """Protocol art. 7: the card is in the reader, its data are used, its key is not."""
    made = _seal("opposee", patient=patient("opposee"), opposed=frozenset({"990000000013"}))
    assert (made.sheet.mode.cause, made.file.patient) == ("carte-opposee", None)


def test_what_goes_elsewhere_is_said() -> None:
    """A vaccine beside a consultation: one sheet, and in words that the vaccine is for form 708."""
    made = _seal(acts=[{"code": "COD"}, {"code": "VACCIN", "cip": "3400935137340"}, {"code": "K12"}])
    assert [line.code for line in made.sheet.lines] == ["COD"]
    form, unknown = made.elsewhere
    assert "VACCIN" in form
    assert "708" in form
    assert "[ROUTE-ACT]" in unknown


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"acts": [{"code": "VACCIN", "cip": "3400935137340"}]}, "SEAL-NO-SHEET"),
        ({"acts": [{"code": "COE"}]}, "SEAL-NO-SHEET"),
        ({"acts": [{"code": "COD"}, {"code": "FHV", "weeks_of_pregnancy": 5}]}, "SEAL-SEVERAL"),
        ({"patient": patient("essai")}, "SEAL-PATIENT"),
        (ANONYMOUS_IVG, "SEAL-NO-SHEET"),
    ],
    ids=["vaccine", "wrong age", "two titres", "not on the card", "anonymous"],
)
def test_what_is_not_one_sheet_is_refused(changes: dict[str, Any], rule: str) -> None:
    """No electronic sheet, or more than one, or the wrong card: refused with its rule, nothing signed."""
    with pytest.raises(FseError) as refusal:
        _seal(**changes)
    assert refusal.value.rule.id == rule


def test_the_cards_must_be_there() -> None:
    """SEAL-NO-VITALE when the file says present and nobody put it in; SUBMIT-CPS without a professional's card."""
    with pytest.raises(GatewayError) as no_vitale:
        _seal(None)
    assert no_vitale.value.rule.id == "SEAL-NO-VITALE"
    with pytest.raises(GatewayError) as no_cps:
        _seal(cps=False)
    assert no_cps.value.rule.id == "SUBMIT-CPS"
