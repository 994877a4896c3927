"""``fse card``: the software cards, for other people's programs."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from card_sim.storage import load
from fse.cards import CardError
from fse.deadlines import PARIS
from gateway.card_file import card_in_reader
from gateway.card_office import CardOffice
from gateway.cli.card_faults import faults
from gateway.cli.card_office import add_to
from gateway.cli.output import LanguageOption, console, language, plain, say
from gateway.home import Home
from gateway.pcsc import PcscError, open_slot, reader_names, recognise
from gateway.reader_seat import TAKE_OUT, hold_reader, take_out
from gateway.readers import ProfessionalCard
from gateway.virtual_reader import FIRST_PORT, SLOTS, VirtualReader

__all__ = ["app"]

app = typer.Typer(help="Les cartes logicielles, pour les programmes des autres.", no_args_is_help=True)


add_to(app)
app.command("faults")(faults)


@app.command("readers")
def readers(lang: LanguageOption = "fr") -> None:
    """Montre les lecteurs PC/SC de cette machine, et ce qui est dedans."""
    del lang
    names = reader_names()
    if not names:
        console.print(say("Aucun lecteur.", "No reader."))
        return
    table = Table(say("lecteur", "reader"), say("carte", "card"))
    for name in names:
        table.add_row(plain(name), _content(name))
    console.print(table)


def _content(name: str) -> str:
    try:
        with open_slot(name) as transmit:
            card = None if transmit is None else recognise(transmit)
    except (CardError, PcscError) as error:
        return error.message(language())
    if transmit is None:
        return say("vide, ou carte muette", "empty, or a mute card")
    if card is None:
        return say("autre carte", "another card")
    return "CPS" if isinstance(card, ProfessionalCard) else "Vitale"


@app.command("insert")
def insert(
    cards: Annotated[
        list[Path],
        typer.Argument(
            metavar="CARTE...", help="une carte par emplacement : CPS, puis Vitale ; ou une description TOML"
        ),
    ],
    slot: Annotated[int, typer.Option(min=0, max=SLOTS - 1, help="emplacement de la première carte")] = 0,
    port: Annotated[
        int, typer.Option(min=0, max=65534, help="port de l'emplacement 0 (0 : un port libre)")
    ] = FIRST_PORT,
    lang: LanguageOption = "fr",
) -> None:
    """
    Met une ou deux cartes dans le lecteur virtuel de vsmartcard-vpcd, jusqu'à Ctrl-C ou fse card remove.

    Les cartes de démonstration sont dans le dossier local (cards/). D'une description (TOML), une carte est faite dans
    ce dossier la première fois, et retrouvée ensuite.
    """
    del lang
    if slot + len(cards) > SLOTS:
        raise typer.BadParameter(say("deux emplacements au plus", "two slots at most"), param_hint="CARTE...")
    home = Home.local()
    paths = [_made(path, home) for path in cards]
    for path in paths:
        load(path)  # a card that is none is said before a port is taken
    home.make()
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with ExitStack() as stack:
        stack.enter_context(hold_reader(home.folder))
        reader = stack.enter_context(VirtualReader(port))
        held = {rank: stack.enter_context(ExitStack()) for rank in range(SLOTS)}

        def take_out_of(rank: int) -> None:
            reader.remove(rank)
            held[rank].close()  # its PIN tries are saved now
            console.print(say("Retirée : emplacement", "Taken out: slot") + f" {rank}", highlight=False)

        for rank, name in enumerate(TAKE_OUT):
            signal.signal(name, lambda *_, rank=rank: take_out_of(rank))
        for rank, path in enumerate(paths, slot):
            reader.insert(held[rank].enter_context(card_in_reader(path)), rank)
        places = ", ".join(f"{path.name} : 127.0.0.1:{reader.ports[rank]}" for rank, path in enumerate(paths, slot))
        console.print(say("Dans le lecteur", "In the reader") + f" : {places}", highlight=False, markup=False)
        console.print(
            say(
                "Démarrer pcscd avec une entrée « DEVICENAME localhost:0x8C7B » (docs/cards.md). Ctrl-C pour finir.",
                "Start pcscd with an entry “DEVICENAME localhost:0x8C7B” (docs/cards.md). Ctrl-C to end.",
            ),
            highlight=False,
        )
        stop.wait()
    console.print(
        say(
            "Cartes retirées ; les essais de code restants sont enregistrés.",
            "Cards taken out; the PIN tries left are saved.",
        )
    )


@app.command("remove")
def remove(
    slot: Annotated[int, typer.Option(min=0, max=SLOTS - 1, help="emplacement à vider")] = 0,
    lang: LanguageOption = "fr",
) -> None:
    """Retire la carte d'un emplacement du lecteur virtuel, pendant qu'un fse card insert est en cours."""
    del lang
    take_out(Home.local().folder, slot)
    console.print(say("Carte retirée de l'emplacement", "Card taken out of slot") + f" {slot}", highlight=False)


def _made(path: Path, home: Home) -> Path:
    """Return the file of the card; from a description (TOML) it is made in the local folder, once."""
    if path.suffix != ".toml":
        return path
    home.make()
    made = home.folder / "cards" / f"{path.stem}.json"
    if not made.exists():
        CardOffice(home).new(path, made, on=datetime.now(PARIS).date())
    return made
