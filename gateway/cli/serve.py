"""``fse serve``: the HTTP API of this machine's gateway, with a simulated concentrator and caisses to talk to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.api.serving import Listening, check_tls, serve_api
from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, say
from gateway.cli.tables import ProfileOption
from gateway.logs import json_log
from gateway.profile import DEFAULT
from gateway.station import Station

__all__ = ["serve"]


def serve(
    host: Annotated[
        str, typer.Option(metavar="ADRESSE", help="où écouter ; hors de cette machine, TLS exigé")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 : un port libre")] = 8321,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FICHIER", help="certificat TLS (PEM)")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FICHIER", help="clé TLS (PEM)")] = None,
    name: Annotated[
        list[str] | None, typer.Option(metavar="NOM", help="autre nom d'hôte accepté (en-tête Host)")
    ] = None,
    concentrator: Annotated[
        str | None,
        typer.Option(metavar="URL", help="concentrateur, http ou smtp (défaut : un simulé, dans ce processus)"),
    ] = None,
    mailbox: Annotated[
        str, typer.Option(metavar="URL", help="avec smtp : boîte où reviennent les réponses, imaps://… ou pop3s://…")
    ] = "",
    mail_account: Annotated[
        Path | None, typer.Option(metavar="FICHIER", help="compte de messagerie (docs/mail.md)")
    ] = None,
    simulator: Annotated[
        bool, typer.Option("--simulator/--no-simulator", help="démarre un concentrateur et des caisses simulés")
    ] = True,
    every: Annotated[float, typer.Option(min=0.1, max=86400, help="secondes entre deux envois")] = 30,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Sert l'API HTTP (docs/api.md) et envoie les lots signés ; le journal du serveur va en JSON sur stderr."""
    del lang
    if (tls_cert is None) is not (tls_key is None):
        told = say("les deux ensemble", "both together")
        raise typer.BadParameter(told, param_hint="--tls-cert, --tls-key")
    tls = None if tls_cert is None or tls_key is None else (tls_cert, tls_key)
    check_tls(host, tls)  # before anything is made
    log = json_log(sys.stderr)

    def ready(address: str) -> None:
        told = say(f"API sur {address} (Ctrl-C pour arrêter)", f"API on {address} (Ctrl-C to stop)")
        console.print(told, markup=False, highlight=False)
        sys.stdout.flush()

    with Station.open(
        journal,
        profile,
        concentrator=concentrator,
        simulator=simulator and concentrator is None,
        log=log,
        mailbox=mailbox,
        mail_account=mail_account,
    ) as station:
        serve_api(station, Listening(host=host, port=port, tls=tls, names=name or [], every=every), log, ready)
