"""
The scenario file: scenes of a small story, each one action, with what is expected of it.

Its JSON Schema is ``schemas/scenario-1.schema.json``; the scenarios delivered are in ``schemas/scenarios``.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from fse.encounter import CardInReader
from fse.lifecycle import PaperEvent, PaperKind, PaperState, SheetEvent, SheetState
from fse.routing import Outcome
from gateway.scenario.errors import ScenarioError
from gateway.scenario.yaml_text import Lines, parse

__all__ = [
    "MAX_SCENARIO_BYTES",
    "Check",
    "Consult",
    "Expected",
    "Incident",
    "PaperStep",
    "Scenario",
    "Step",
    "read_scenario",
    "value_error",
]

MAX_SCENARIO_BYTES = 200_000
"""Largest scenario file that is read, in bytes."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
Sentence = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
RuleId = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9-]{1,39}$")]


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise PydanticCustomError("offset", "an offset is missing")
    return value


Instant = Annotated[datetime, AfterValidator(_aware)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Consult(_Part):
    """A consultation: people of the demonstration wallet, and the facts of care."""

    name: Name = Field(alias="as", description="the reference of the encounter; later steps speak of it by this name")
    at: Instant | None = Field(default=None, description="absent: now, by the simulated clock")
    by: Name = Field(default="medecin", description="a CPS of the wallet")
    card: Name | None = Field(default=None, description="a Vitale of the wallet; absent: the patient stays anonymous")
    who: int = Field(default=0, ge=0, le=19, description="0 the insured, n the nth beneficiary of the card")
    minor: bool = Field(default=False, description="of an anonymous patient")
    vitale: CardInReader = CardInReader.PRESENT
    cps: Literal["present", "unusable"] = "present"
    acts: tuple[Name | dict[str, Any], ...] = Field(min_length=1, max_length=20, description="codes, or acts in full")
    replaces: Name | None = Field(default=None, description="its one sheet takes the place of the sheet of that one")
    facts: dict[str, Any] = Field(default={}, description="other fields of the encounter (pregnancy_start…)")


class Incident(_Part):
    """Something that goes wrong on the way of the lots of one caisse, ``times`` times or until its ``end-incident``."""

    kind: Literal["alter-file", "lose-arl", "refuse-file", "rights-down"]
    organism: Annotated[str, StringConstraints(pattern="^[0-9]{9}$")] | None = Field(
        default=None, description="whose lots; compulsory but for rights-down"
    )
    mode: Literal["securise", "degrade"] = "securise"
    times: int = Field(default=1, ge=1, le=1000)

    @model_validator(mode="after")
    def _on_its_way_to_a_caisse(self) -> Incident:
        if self.organism is None and self.kind != "rights-down":
            raise PydanticCustomError("missing", "an organism is needed")
        return self


class Send(_Part):
    """An operator signs the lots with his card and sends them."""

    by: Name = "medecin"


class PaperStep(_Part):
    """What an operator, or the post, does with a paper of a consultation."""

    of: Name
    kind: PaperKind
    do: tuple[PaperEvent, ...] = Field(min_length=1)


class Decide(_Part):
    """What a person decides or learns of the sheet of a consultation."""

    of: Name
    part: int = 0
    event: SheetEvent
    reason: Sentence = ""


class Expected(_Part):
    """One document that a consultation must become; what is absent is not looked at. Amounts in cents."""

    outcome: Outcome
    reason: str | None = None
    rule: RuleId | None = None
    acts: tuple[Name, ...] | None = None
    total_cents: int | None = None
    amo_cents: int | None = None
    deadline: date | None = None
    warnings: tuple[RuleId, ...] | None = None


class PaperExpected(_Part):
    """A paper that must be there, and where it stands."""

    kind: PaperKind
    state: PaperState | None = None
    post_by: date | None = None


class Check(_Part):
    """Where the sheet of a consultation must stand now; what is absent is not looked at."""

    of: Name
    part: int = 0
    state: SheetState | None = None
    action: str | None = None
    deadline: date | None = None
    seals: Literal["both", "professional"] | None = Field(
        default=None, description="who has signed; both are verified as a caisse would"
    )
    at_caisse: bool | None = Field(default=None, description="whether the caisse holds it")
    lots: int | None = Field(default=None, ge=0, description="how many lots it travelled in")
    papers: tuple[PaperExpected, ...] | None = Field(default=None, description="all its papers, no more, no less")

    @property
    def of_sheet(self) -> bool:
        """Whether it looks at the sheet, and not at its papers alone."""
        return any(
            getattr(self, name) is not None for name in ("state", "action", "deadline", "seals", "at_caisse", "lots")
        )

    @model_validator(mode="after")
    def _looks_at_something(self) -> Check:
        if self.papers is None and not self.of_sheet:
            raise PydanticCustomError("check_empty", "a check that looks at nothing")
        return self


_ACTIONS = ("say", "clock", "consult", "send", "incident", "end_incident", "paper", "decide", "check", "pending")


class Step(_Part):
    """One scene: exactly one action. ``expect`` belongs to a consultation, ``error`` to it or to a decision."""

    title: Sentence | None = None
    say: Sentence | None = None
    clock: Instant | None = Field(default=None, description="let time pass until then; dispatch works meanwhile")
    consult: Consult | None = None
    send: Send | None = None
    incident: Incident | None = None
    end_incident: Literal["alter-file", "lose-arl", "refuse-file", "rights-down"] | None = Field(
        default=None, alias="end-incident"
    )
    paper: PaperStep | None = None
    decide: Decide | None = None
    check: Check | None = None
    pending: Sentence | None = Field(default=None, description="a scene that cannot be played yet: what it waits for")
    expect: tuple[Expected, ...] | None = None
    error: RuleId | None = Field(default=None, description="the rule that refuses the consultation or the decision")

    @property
    def action(self) -> str:
        """The name of what this step does."""
        return next(name for name in _ACTIONS if getattr(self, name) is not None)

    @model_validator(mode="after")
    def _one_action(self) -> Step:
        if sum(getattr(self, name) is not None for name in _ACTIONS) != 1:
            raise PydanticCustomError("one_action", "exactly one action")
        if (self.expect is not None and self.consult is None) or (
            self.error is not None and self.consult is None and self.decide is None
        ):
            raise PydanticCustomError("expect_alone", "expect without consult")
        if self.consult is not None and (self.expect is None) == (self.error is None):
            raise PydanticCustomError("expect_missing", "a consultation needs expect or error")
        return self


class Scenario(_Part):
    """A scenario."""

    format: Literal[1]
    name: Name
    title: Sentence
    source: Sentence
    start: Instant
    steps: tuple[Step, ...] = Field(min_length=1, max_length=500)
    _lines: tuple[int, ...] = PrivateAttr(default=())

    def line_of(self, rank: int) -> int:
        """Return the line of the file where the step ``rank`` begins."""
        return self._lines[rank] if self._lines else 0


_WORDS = {
    "offset": ("le décalage horaire manque (…+01:00)", "the offset is missing (…+01:00)"),
    "one_action": ("une étape porte une seule action", "a step bears exactly one action"),
    "expect_alone": ("« expect » et « error » vont avec « consult »", "“expect” and “error” go with “consult”"),
    "expect_missing": (
        "une consultation dit ce qui est attendu : « expect » ou « error »",
        "a consultation says what is expected: “expect” or “error”",
    ),
    "check_empty": ("« check » ne regarde rien : état, action, papiers…", "“check” looks at nothing: state, action…"),
    "missing": ("champ obligatoire absent", "compulsory field absent"),
    "extra_forbidden": ("champ inconnu", "unknown field"),
}


def read_scenario(data: bytes) -> Scenario:
    """
    Return the scenario written in ``data``, YAML in UTF-8.

    Raises :class:`gateway.scenario.ScenarioError` for the first thing that is wrong: SCENARIO-SIZE, SCENARIO-YAML,
    SCENARIO-VALUE.
    """
    if len(data) > MAX_SCENARIO_BYTES:
        raise ScenarioError("SCENARIO-SIZE", size=len(data), limit=MAX_SCENARIO_BYTES)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ScenarioError("SCENARIO-YAML", line=1, reason_fr="pas de l'UTF-8", reason_en="not UTF-8") from None
    content, lines = parse(text)
    try:
        scenario = Scenario.model_validate(content)
    except ValidationError as error:
        raise value_error(error, lines) from None
    scenario._lines = tuple(lines["steps", rank] for rank in range(len(scenario.steps)))  # noqa: SLF001 - the reader of the same module
    return scenario


def value_error(error: ValidationError, lines: Lines) -> ScenarioError:
    """Return the first thing that ``error`` complains of, with its line and place."""
    first = error.errors(include_url=False, include_input=False)[0]
    path: tuple[int | str, ...] = first["loc"]
    known = next(path[:length] for length in range(len(path), -1, -1) if path[:length] in lines)
    fr, en = _WORDS.get(first["type"], (first["msg"], first["msg"]))
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}"[:41] for part in path).removeprefix(".")
    return ScenarioError("SCENARIO-VALUE", line=lines[known], place=place or "scenario", reason_fr=fr, reason_en=en)
