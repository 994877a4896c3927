"""``fse card``: the software cards, for other people's programs."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from card_sim.storage import load
from fse.cards import CardError
from gateway.cli.output import LanguageOption, console, language, plain, say
from gateway.home import card_in_reader
from gateway.pcsc import PcscError, open_slot, reader_names, recognise
from gateway.readers import ProfessionalCard
from gateway.virtual_reader import FIRST_PORT, SLOTS, VirtualReader

__all__ = ["app"]

app = typer.Typer(help="Les cartes logicielles, pour les programmes des autres.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Exist, so that a command alone is still called by its name."""


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
        list[Path], typer.Argument(metavar="CARTE...", help="une carte par emplacement : CPS, puis Vitale")
    ],
    port: Annotated[
        int, typer.Option(min=0, max=65534, help="port de l'emplacement 0 (0 : un port libre)")
    ] = FIRST_PORT,
    lang: LanguageOption = "fr",
) -> None:
    """
    Met une ou deux cartes dans le lecteur virtuel de vsmartcard-vpcd, jusqu'à Ctrl-C.

    Les cartes de démonstration sont dans le dossier local (cards/), faites par le premier fse seal.
    """
    del lang
    if len(cards) > SLOTS:
        raise typer.BadParameter(say("deux emplacements au plus", "two slots at most"), param_hint="CARTE...")
    for path in cards:
        load(path)  # a card that is none is said before a port is taken
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with ExitStack() as stack:
        reader = stack.enter_context(VirtualReader(port))
        for slot, path in enumerate(cards):
            reader.insert(stack.enter_context(card_in_reader(path)), slot)
        places = ", ".join(f"{path.name} : 127.0.0.1:{where}" for path, where in zip(cards, reader.ports, strict=False))
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
