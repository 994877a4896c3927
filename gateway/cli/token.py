"""``fse token``: the tokens by which software uses the API."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from gateway.cli.journal_option import JournalOption
from gateway.cli.output import LanguageOption, console, errors, plain, say
from gateway.cli.tables import ProfileOption
from gateway.profile import DEFAULT
from gateway.station import Station
from gateway.tokens import SCOPES, list_tokens, make_token, revoke_token

__all__ = ["app"]

app = typer.Typer(help="Les jetons de l'API : en faire, les voir, les révoquer.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NOM", help="nom du logiciel, jamais d'une personne")]


@app.command("new")
def new(
    name: Name,
    scope: Annotated[list[str], typer.Option(metavar="|".join(SCOPES), help="droit ; à répéter")],
    site: Annotated[
        list[str] | None, typer.Option(metavar="FINESS", help="site ; à répéter (défaut : tous ceux du profil)")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="validité en jours")] = 90,
    journal: JournalOption = None,
    profile: ProfileOption = DEFAULT,
    lang: LanguageOption = "fr",
) -> None:
    """Fait un jeton et l'écrit une seule fois ; le journal n'en garde que l'empreinte."""
    del lang
    with Station.open(journal, profile) as station:
        secret = make_token(station.journal, station.profile, name, scope, site or [], days)
    typer.echo(secret)  # alone on stdout: TOKEN=$(fse token new …)
    told = say("Ce jeton ne sera plus montré : le garder en lieu sûr.", "This token is not shown again: keep it safe.")
    errors.print(told, style="yellow", highlight=False)


@app.command("list")
def list_all(journal: JournalOption = None, profile: ProfileOption = DEFAULT, lang: LanguageOption = "fr") -> None:
    """Montre les jetons : droits, sites, fin, révocation ; jamais leur secret."""
    del lang
    with Station.open(journal, profile, must_exist=True) as station:
        tokens, now = list_tokens(station.journal), station.clock.now()
    table = Table(say("nom", "name"), say("droits", "scopes"), "sites", say("jusqu'au", "until"), say("état", "state"))
    for one in tokens:
        good = say("valide", "valid") if one.is_good(now) else say("fini", "over")
        state = say("révoqué", "revoked") if one.revoked else good
        sites = ", ".join(sorted(one.sites)) or say("tous", "all")
        scopes = ", ".join(sorted(one.scopes))
        table.add_row(plain(one.name), scopes, sites, f"{one.expires_at:%Y-%m-%d}", state)
    console.print(table)


@app.command("revoke")
def revoke(
    name: Name, journal: JournalOption = None, profile: ProfileOption = DEFAULT, lang: LanguageOption = "fr"
) -> None:
    """Met fin à un jeton, tout de suite."""
    del lang
    with Station.open(journal, profile, must_exist=True) as station:
        revoke_token(station.journal, name)
    console.print(say(f"Jeton {name} révoqué.", f"Token {name} revoked."), markup=False, highlight=False)
