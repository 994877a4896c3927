"""What goes in and out of the API beside an encounter and its replies: bodies are strict, answers name nobody."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, SecretStr, StrictInt, ValidationError

from fse.encounter import Encounter, Finess, Rpps, encounter_error
from fse.lifecycle import LotRecord, LotState, PaperKind, PaperRecord, PaperState, SheetRecord, SheetState
from gateway.errors import GatewayError

if TYPE_CHECKING:
    from fse.errors import FseError

__all__ = [
    "Acknowledgement",
    "DispatchRequest",
    "Dispatched",
    "Health",
    "LotView",
    "NextStep",
    "Numbers",
    "NumbersRequest",
    "PaperDetail",
    "PaperEventRequest",
    "PaperView",
    "PaymentView",
    "Period",
    "PeriodRequest",
    "Ready",
    "RequeueRequest",
    "ReturnView",
    "Returns",
    "SealedSheetRequest",
    "SheetView",
    "read_body",
]

_Model = TypeVar("_Model", bound=BaseModel)
Number = Annotated[StrictInt, Field(ge=1, le=999_999_999)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NumbersRequest(_Body):
    """Numéros de FSE à réserver pour un logiciel qui scelle lui-même · FSE numbers for software that seals itself."""

    site: Finess = Field(examples=["629990003"])
    count: StrictInt = Field(ge=1, le=100, examples=[10])


class SealedSheetRequest(_Body):
    """Une feuille scellée ailleurs, avec les faits de la consultation · a sheet sealed elsewhere, with its facts."""

    reference: str = Field(pattern=r"^[A-Za-z0-9._-]{1,40}$", description="celle de encounter · that of encounter")
    encounter: Encounter
    sealed: Base64Bytes = Field(max_length=700_000)


class PaperEventRequest(_Body):
    """Ce qu'une personne a fait d'un papier · what a person did with a paper."""

    event: Literal["print", "post", "receive", "void"]
    reason: str = Field(default="", max_length=200, description="obligatoire pour void · needed for void")


class RequeueRequest(_Body):
    """Les feuilles en faute d'un lot refusé, qui ne repartent pas · the sheets at fault, which do not leave again."""

    faulty: tuple[Number, ...] = Field(default=(), max_length=990)


class PeriodRequest(_Body):
    """Ouvre la carte d'un professionnel, pour un temps et un nombre de lots · opens a card, bounded."""

    rpps: Rpps = Field(examples=["99700000013"])
    pin: SecretStr = Field(min_length=4, max_length=4, description="va à la carte, gardé nulle part · goes to the card")
    minutes: StrictInt = Field(default=30, ge=1, le=600)
    signatures: StrictInt = Field(default=50, ge=1, le=1000, description="lots")


class DispatchRequest(_Body):
    """Le professionnel dont la carte signe les lots · the professional whose card signs the lots."""

    rpps: Rpps = Field(examples=["99700000013"])


class Numbers(BaseModel):
    """Les numéros réservés, tous pour ce site · the reserved numbers, all for that site."""

    site: str
    numbers: tuple[int, ...]


class NextStep(BaseModel):
    """Ce qui est attendu ensuite, et pour quand · what is expected next, and by when."""

    code: str
    by: date | None
    messages: dict[str, str]


class SheetView(BaseModel):
    """Une feuille : où elle en est ; aucune identité · a sheet: where it stands; no identity."""

    number: int
    reference: str
    part: int
    site: str
    organism: str
    mode: str
    state: SheetState
    record: SheetRecord
    next: NextStep


class LotView(BaseModel):
    """Un lot : ses feuilles de vos sites, ce qu'il attend · a lot: its sheets of your sites, what it waits for."""

    number: int
    file_number: int
    organism: str
    mode: str
    state: LotState
    record: LotRecord
    hold: str
    not_before: datetime | None
    sheets: tuple[int, ...]
    next: NextStep


class PaperView(BaseModel):
    """Un papier à imprimer, à poster ou déjà parti · a paper to print, to post or already gone."""

    number: int
    kind: PaperKind
    reference: str
    part: int
    sheet: int | None
    site: str
    state: PaperState
    record: PaperRecord
    next: NextStep


class PaperDetail(PaperView):
    """Un papier et ce qu'il dit, identité comprise · a paper and what it says, identity included."""

    document: dict[str, Any]


class Acknowledgement(BaseModel):
    """Une réponse de caisse au lot · one answer of the caisse to the lot."""

    rank: int
    result: str


class ReturnView(BaseModel):
    """Une réponse reçue : son numéro, quand, pour quel lot · an answer received: its number, when, for which lot."""

    number: int
    at: datetime
    lot: int
    result: str


class PaymentView(BaseModel):
    """Une ligne de retour de paiement, en centimes (part AMO) · a line of a payment return, in cents (AMO part)."""

    payment_return: int
    organism: str
    accounting_day: date
    reference: str
    sheet: int | None
    act: int = Field(description="0 : la feuille entière · the whole sheet")
    outcome: str
    requested_cents: int
    paid_cents: int
    code: str
    detail: str
    mismatch: str = Field(description="pourquoi elle ne va avec aucune feuille · why it fits no sheet")


class Returns(BaseModel):
    """
    Les accusés de réception (ARL) et les lignes des retours de paiement.

    The acknowledgements (ARL) and the lines of the payment returns.
    """

    acknowledgements: list[ReturnView]
    payments: list[PaymentView]


class Period(BaseModel):
    """La période ouverte · the open period."""

    rpps: str
    until: datetime
    signatures: int


class Dispatched(BaseModel):
    """Les lots signés cette fois · the lots signed this time."""

    lots: tuple[int, ...]


class Health(BaseModel):
    """Le processus vit · the process lives."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Le journal répond · the journal answers."""

    status: Literal["ready"] = "ready"


def read_body(model: type[_Model], data: bytes) -> _Model:
    """
    Return ``data`` (JSON) as ``model``.

    Raises :class:`gateway.errors.GatewayError`: API-JSON, API-BODY with the place; inside an encounter its own rules.
    """
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        found: FseError = encounter_error(error)
        place = str(found.facts.get("place", ""))
        if found.rule.id == "ENC-JSON":
            found = GatewayError("API-JSON", reason=found.facts["reason"])
        elif found.rule.id in {"ENC-MISSING", "ENC-UNKNOWN", "ENC-VALUE"} and not place.startswith("encounter."):
            found = GatewayError("API-BODY", place=place)
        raise found from None
