"""``fse seal``, ``verify``, ``inspect`` and ``extract``: one sheet, without a journal."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Annotated

import typer
from cryptography.hazmat.primitives.serialization import Encoding
from rich.markup import escape
from rich.table import Table

from card_sim.faults import CardFault, FaultySlot
from card_sim.wallet import demo_wallet
from fse.cms import Seal
from fse.decision import decide
from fse.encounter import MAX_ENCOUNTER_BYTES, read_encounter
from fse.errors import FseError
from fse.sealed_file import FileError
from fse.seals import open_sheet, verify_sheet
from gateway.card_file import card_in_reader
from gateway.cli.explain import sheet_table
from gateway.cli.output import (
    LanguageOption,
    console,
    day_text,
    errors,
    euros,
    language,
    plain,
    read_file,
    say,
    write_file,
)
from gateway.cli.tables import ProfileOption, TablesOption, tables_of
from gateway.evidence_parts import parts_of_sheet
from gateway.home import Home
from gateway.opposition import opposition_of
from gateway.pcsc import PcscError, cards_in
from gateway.profile import DEFAULT, load_profile
from gateway.readers import CardsAtHand, ProfessionalCard
from gateway.single_sheet import require_one_sheet, seal_one
from gateway.trust_folder import read_trust

if TYPE_CHECKING:
    from fse.cards import Transmit
    from fse.encounter import Encounter
    from fse.seals import SealedSheet
    from fse.trust import TrustStore

__all__ = ["extract", "inspect", "seal", "verify"]

_UNSOUND = 1
_NOT_A_SHEET = 2

SheetFile = Annotated[Path, typer.Argument(metavar="FEUILLE", help="fichier d'une feuille scellée")]
TrustFolder = Annotated[
    Path | None,
    typer.Option("--trust", metavar="DOSSIER", help="magasin de confiance (défaut : l'infrastructure de test locale)"),
]


def seal(
    encounter: Annotated[Path, typer.Argument(metavar="CONSULTATION.json", help="les faits d'une consultation")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FEUILLE", help="fichier à écrire")],
    number: Annotated[int, typer.Option(min=1, max=999_999_999, help="numéro de FSE, faute de journal")] = 1,
    cps: Annotated[
        Path | None, typer.Option(metavar="CARTE", help="carte CPS (défaut : celle de démonstration)")
    ] = None,
    vitale: Annotated[
        Path | None, typer.Option(metavar="CARTE", help="carte Vitale (défaut : celle de démonstration)")
    ] = None,
    pin_file: Annotated[
        Path | None,
        typer.Option(metavar="FICHIER", help="fichier qui contient le code de la CPS nommée ; sinon il est demandé"),
    ] = None,
    reader: Annotated[
        str | None,
        typer.Option(metavar="pcsc:NOM", help="cartes d'un lecteur PC/SC (fse card readers) au lieu de fichiers"),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="CARTE:PANNE[:N[:FOIS]]", help="panne à vivre (fse card faults) : vitale:pulled:7"),
    ] = None,
    tables: TablesOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """
    Scelle une consultation avec les cartes logicielles, à l'heure de la consultation (horloge simulée).

    Sans --cps ni --reader, la carte de démonstration du professionnel et son code de test connu servent.
    """
    del lang
    if reader is not None and (cps or vitale or fault):
        told = say("pas avec --cps, --vitale ni --fault", "not with --cps, --vitale or --fault")
        raise typer.BadParameter(told, param_hint="--reader")
    struck = _faults(fault or [])
    facts = read_encounter(read_file(encounter, MAX_ENCOUNTER_BYTES))
    dated = tables_of(tables)
    service = load_profile(profile, dated)
    require_one_sheet(decide(facts, dated, policy=service.channels))
    with ExitStack() as stack:
        if reader is not None:
            cards = _cards_in_reader(stack, reader, facts, pin_file)
        else:
            slot = _Slots(stack, struck)
            cards = _cards_in_files(slot, facts, cps, vitale, pin_file)
        sealed = seal_one(
            facts,
            cards,
            service,
            dated,
            number=number,
            opposed_cards=_opposed(),
            trust=_local_trust(cards),
        )
    write_file(output, sealed.file.encode())
    sheet = sealed.sheet
    console.print(
        f"[bold green]✔[/] {escape(str(output))} : FSE n° {sheet.number:09d}, mode {sheet.mode.kind},"
        f" {euros(sheet.total_cents)}",
        highlight=False,
    )
    console.print(
        say("Dernier jour pour la transmettre : ", "Last day to transmit it: ") + day_text(sealed.deadline),
        highlight=False,
    )
    if sealed.card_updated_on is not None:
        since = day_text(sealed.card_updated_on)
        told = say(
            f"Carte Vitale mise à jour le {since}, il y a plus d'un an : inviter l'assuré à la mettre à jour.",
            f"Vitale card updated on {since}, over a year ago: invite the insured to update it.",
        )
        console.print(told, style="yellow", highlight=False)
    for refusal in sealed.elsewhere:
        console.print(refusal, style="yellow", highlight=False, markup=False)


_DEMO_PIN = "1234"
_FAULTS_KNOWN = "cps:… | vitale:…"
_PCSC = "pcsc:"


def _faults(asked: list[str]) -> dict[str, CardFault]:
    """Return the fault of each card that was asked for, as ``vitale:pulled:7``."""
    found = {}
    for text in asked:
        card, _, fault = text.partition(":")
        if card not in {"cps", "vitale"}:
            raise typer.BadParameter(_FAULTS_KNOWN, param_hint="--fault")
        found[card] = CardFault.parse(fault)
    return found


@dataclass(frozen=True, slots=True)
class _Slots:
    """Two slots for saved cards, with the faults that strike them."""

    stack: ExitStack
    faults: dict[str, CardFault]

    def put(self, kind: str, path: Path) -> Transmit:
        """Put the card saved in ``path`` in; it is taken out with the stack."""
        card = self.stack.enter_context(card_in_reader(path))
        if kind not in self.faults:
            return card.transmit
        return FaultySlot(card.transmit, self.faults[kind], reset=card.reset, wait=sleep).transmit


def _cards_in_files(
    slots: _Slots, facts: Encounter, cps: Path | None, vitale: Path | None, pin_file: Path | None
) -> CardsAtHand:
    """Return the cards saved in files, those of the demonstration where none is named."""
    home = Home.local()
    home.make()
    professional = None
    if facts.cps == "present":
        professional = ProfessionalCard.insert(slots.put("cps", cps or home.cps(facts.professional.rpps)))
        professional.unlock(_pin(pin_file) if cps else _DEMO_PIN)
    family = vitale
    if family is None and facts.patient.kind == "identified":
        held = home.vitale(facts.patient.insured.nir)
        family = held if held.exists() else None  # not everybody has a demonstration card
    slot = None if family is None else slots.put("vitale", family)
    return CardsAtHand(professional, slot)


def _opposed() -> frozenset[str]:
    """Return the serial numbers of the cards that are opposed here; without a home there is no signed list."""
    home = Home.local()
    listed = opposition_of(home).serials() if home.trust.exists() else frozenset()
    return frozenset(demo_wallet().opposed) | home.opposed_cards() | listed


def _local_trust(cards: CardsAtHand) -> TrustStore | None:
    """Return the local trust store when it has issued the CPS: its lists then say whether the card still holds."""
    folder = Home.local().trust
    if cards.professional is None or not folder.exists():
        return None
    store = read_trust(folder)
    issuer = store.authorities["cps"].public_bytes(Encoding.DER)
    return store if cards.professional.holder.issuer_certificate == issuer else None


def _cards_in_reader(stack: ExitStack, reader: str, facts: Encounter, pin_file: Path | None) -> CardsAtHand:
    """Return the cards in the slots of a PC/SC reader, the PIN given to the CPS when one is to sign."""
    name = reader.removeprefix(_PCSC)
    if name == reader or not name:
        raise PcscError("PCSC-NAME", name=reader)
    cards = stack.enter_context(cards_in(name))
    if cards.professional is not None and facts.cps == "present":
        cards.professional.unlock(_pin(pin_file))
    return cards


def _pin(file: Path | None) -> str:
    if file is not None:
        return read_file(file, 100).decode("ascii", "replace").strip()
    return str(typer.prompt(say("Code de la carte CPS", "PIN of the CPS"), hide_input=True))


def verify(sheet: SheetFile, trust: TrustFolder = None, lang: LanguageOption = "fr") -> None:
    """Vérifie les deux scellés d'une feuille : 0 tout tient, 1 un scellé ne tient pas, 2 ce n'est pas une feuille."""
    del lang
    data, store = read_file(sheet), read_trust(_trust(trust))
    try:
        found = verify_sheet(data, store, datetime.now(UTC))
    except FileError:
        raise
    except FseError as error:
        errors.print(
            f"✘ [{error.rule.id}] {error.message(language())}",
            style="bold red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        raise typer.Exit(_UNSOUND) from None
    console.print(
        f"[bold green]✔[/] {say('Feuille intègre', 'Sound sheet')} : FSE n° {found.sheet.number:09d},"
        f" {found.sheet.mode.purpose}",
        highlight=False,
    )
    console.print(
        f"  {say('professionnel', 'professional')} {found.professional.rpps}, {found.signed_at:%Y-%m-%d %H:%M:%S} UTC",
        highlight=False,
    )
    if found.patient is not None:
        console.print(f"  {say('carte Vitale', 'Vitale card')} {found.patient.serial}", highlight=False)


def inspect(sheet: SheetFile, lang: LanguageOption = "fr") -> None:
    """Montre ce qu'une feuille contient, sans rien vérifier."""
    del lang
    sealed = open_sheet(read_file(sheet))
    console.print(
        say("Contenu non vérifié ; pour vérifier : ", "Content not verified; to verify: ") + f"fse verify {sheet}",
        style="yellow",
        highlight=False,
        markup=False,
    )
    console.print(sheet_table(sealed.payload))
    console.print(_seals(sealed))


def _seals(sealed: SealedSheet) -> Table:
    table = Table(say("scellé", "seal"), say("signataire", "signer"), say("le (UTC)", "on (UTC)"), say("pour", "for"))
    for name, data in (
        (say("bénéficiaire", "beneficiary"), sealed.patient),
        (say("professionnel", "professional"), sealed.professional),
    ):
        if data is not None:
            found = Seal.decode(data)
            subject = found.x509.subject.rfc4514_string({})
            table.add_row(name, plain(subject), f"{found.signing_time:%Y-%m-%d %H:%M:%S}", plain(found.purpose))
    return table


def extract(
    sheet: SheetFile,
    folder: Annotated[
        Path, typer.Argument(metavar="DOSSIER", help="où écrire payload.xml, cps.p7s, vitale.p7s et ca.pem")
    ],
    trust: TrustFolder = None,
    lang: LanguageOption = "fr",
) -> None:
    """Sort d'une feuille ce qu'openssl et xmllint peuvent juger."""
    del lang
    sealed, store = open_sheet(read_file(sheet)), read_trust(_trust(trust))
    files = parts_of_sheet(sealed, store.root_pem)
    folder.mkdir(parents=True, exist_ok=True)
    if sealed.patient is None:
        (folder / "vitale.p7s").unlink(missing_ok=True)  # of another sheet, extracted here before
    for name, data in files.items():
        write_file(folder / name, data)
    console.print(f"{folder}: {', '.join(sorted(files))}", highlight=False, markup=False)
    command = (
        f"openssl cms -verify -binary -inform DER -in {folder}/cps.p7s -content {folder}/payload.xml"
        f" -CAfile {folder}/ca.pem -purpose any -out /dev/null"
    )
    console.print(command, style="dim", highlight=False, markup=False, soft_wrap=True)


def _trust(folder: Path | None) -> Path:
    return folder if folder is not None else Home.local().trust
