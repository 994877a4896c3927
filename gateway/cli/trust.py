"""``fse trust``: whom this workstation believes, and the revocation lists."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer
from cryptography.hazmat.primitives.serialization import Encoding
from rich.table import Table

from fse.trust import FAMILIES
from gateway.cli.output import LanguageOption, console, plain, say
from gateway.home import Home
from gateway.revocation import refresh_lists
from gateway.simulator.revocation_http import revocation_app
from gateway.simulator.server import LocalServer
from gateway.trust_folder import read_trust

__all__ = ["app"]

app = typer.Typer(help="Le magasin de confiance et ses listes de révocation.", no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Option("--trust", metavar="DOSSIER", help="magasin de confiance (défaut : l'infrastructure de test locale)"),
]


@app.command("show")
def show(trust: Folder = None, lang: LanguageOption = "fr") -> None:
    """Montre les autorités et leurs listes : numéro, prochaine mise à jour, certificats révoqués."""
    del lang
    store = read_trust(_folder(trust))
    table = Table(
        say("famille", "family"), say("autorité", "authority"), say("liste n°", "list no."),
        say("prochaine mise à jour", "next update"), say("révoqués", "revoked"),
    )  # fmt: skip
    for family in FAMILIES:
        listed = store.revocations[family]
        until = listed.next_update_utc
        table.add_row(
            family,
            plain(store.authorities[family].subject.rfc4514_string()),
            str(store.list_number(family)),
            "–" if until is None else f"{until:%d/%m/%Y}",
            str(len(listed)),
        )
    console.print(table)


@app.command("serve")
def serve(trust: Folder = None, lang: LanguageOption = "fr") -> None:
    """Sert les listes de révocation en HTTP sur ce poste seulement, jusqu'à Ctrl-C."""
    del lang
    folder = _folder(trust)
    read_trust(folder)

    def current(name: str) -> bytes | None:
        return read_trust(folder).revocations[name].public_bytes(Encoding.DER) if name in FAMILIES else None

    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stop.set())
    server = LocalServer(revocation_app(current))
    console.print(f"{server.url}/crl/{{{','.join(FAMILIES)}}}.crl", highlight=False, markup=False)
    stop.wait()
    server.stop()


@app.command("refresh")
def refresh(
    address: Annotated[str, typer.Argument(metavar="ADRESSE", help="par exemple http://127.0.0.1:8080")],
    trust: Folder = None,
    lang: LanguageOption = "fr",
) -> None:
    """Met les listes à jour : toutes ou aucune, jamais une plus ancienne, jamais une que l'autorité n'a pas signée."""
    del lang
    changed = refresh_lists(_folder(trust), address)
    told = ", ".join(changed) or say("déjà à jour", "up to date already")
    console.print(f"[green]✔[/] {say('listes', 'lists')} : {told}", highlight=False)


def _folder(named: Path | None) -> Path:
    if named is not None:
        return named
    home = Home.local()
    home.make()
    return home.trust
