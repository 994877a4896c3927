"""``fse submit``, ``send`` and ``resend``: the gateway of this machine from the command line, over its journal."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from fse.encounter import MAX_ENCOUNTER_BYTES, read_encounter
from fse.lifecycle import LotState
from gateway.cli.demo import reply_line
from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, read_file, say
from gateway.cli.tables import ProfileOption
from gateway.profile import DEFAULT
from gateway.signing_desk import SigningDesk
from gateway.station import Station

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.journal import StoredLot

__all__ = ["resend", "send", "submit"]

_DEMO_PIN = "1234"
_MINUTES, _SIGNATURES = 10, 50
_LEFT_TO_SEND = (
    LotState.TO_SIGN,
    LotState.SIGNED,
    LotState.REEMISSION_DUE,
    LotState.REFUSED,
    LotState.EMISSION_STARTED,
)

ConcentratorOption = Annotated[
    str | None, typer.Option(metavar="URL", help="concentrateur (défaut : un simulé, le temps de la commande)")
]
PinOption = Annotated[
    Path | None, typer.Option(metavar="FICHIER", help="fichier qui contient le code de la CPS (défaut : celui de test)")
]


def submit(
    encounters: Annotated[list[Path], typer.Argument(metavar="CONSULTATION.json…", help="les faits de consultations")],
    pin_file: PinOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Soumet des consultations à la passerelle de ce poste : feuilles scellées par ses cartes, papiers, refus."""
    del lang
    facts = [read_encounter(read_file(path, MAX_ENCOUNTER_BYTES)) for path in encounters]
    with Station.open(journal, profile) as station, closing(SigningDesk(station)) as desk:
        for encounter in facts:
            rpps = encounter.professional.rpps
            if encounter.cps == "present" and not desk.has(rpps):
                desk.open(rpps, _pin(pin_file), minutes=_MINUTES, signatures=_SIGNATURES)
            for reply in desk.submit(encounter):
                console.print(reply_line(reply), highlight=False, soft_wrap=True)


def send(
    by: Annotated[str, typer.Option(metavar="RPPS", help="professionnel dont la carte signe les lots")],
    pin_file: PinOption = None,
    concentrator: ConcentratorOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Forme les lots, les fait signer par la carte nommée, les envoie et relève les accusés."""
    del lang
    with _sender(journal, profile, concentrator) as station, closing(SigningDesk(station)) as desk:
        desk.open(by, _pin(pin_file), minutes=_MINUTES, signatures=_SIGNATURES)
        signed = desk.send_all(by)
        console.print(say(f"{len(signed)} lot(s) signé(s)", f"{len(signed)} lot(s) signed"), highlight=False)
        _tell(_lots(station))


def resend(
    concentrator: ConcentratorOption = None,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Après une panne : tout ce qui attend d'être émis, ou émis de nouveau, repart maintenant, mêmes octets."""
    del lang
    with _sender(journal, profile, concentrator) as station:
        count = station.gateway.resend()
        console.print(say(f"{count} lot(s) en attente", f"{count} lot(s) waiting"), highlight=False)
        _tell(_lots(station))


def _sender(journal: str | None, profile: str, concentrator: str | None) -> Station:
    return Station.open(journal, profile, concentrator=concentrator, simulator=concentrator is None, must_exist=True)


def _lots(station: Station) -> Sequence[StoredLot]:
    with station.journal.read() as tx:
        return tx.lots(*_LEFT_TO_SEND, LotState.SENT)


def _tell(lots: Sequence[StoredLot]) -> None:
    """Say what is left to do of the lots; those that are acknowledged need nobody."""
    if not lots:
        console.print(say("Tout est parti et accusé.", "All has left and is acknowledged."), style="green")
    for lot in lots:
        why = lot.hold or (f"{lot.not_before:%d/%m %H:%M} UTC" if lot.not_before else "")
        console.print(f"lot {lot.number:06d} → {lot.organism} : {lot.record.state} {escape(why)}", highlight=False)


def _pin(file: Path | None) -> str:
    return _DEMO_PIN if file is None else read_file(file, 100).decode("ascii", "replace").strip()
