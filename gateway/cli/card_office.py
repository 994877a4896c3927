"""``fse card new``, ``telephone``, ``show``, ``verify-pin``, ``unblock``, and the life of a card on disk."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from card_sim.cps import CpsCard
from card_sim.life import CardState
from card_sim.pin import MAXIMUM_TRIES, MAXIMUM_UNBLOCKS
from card_sim.storage import load
from fse.cards import CpsReader
from fse.deadlines import PARIS, paris_date
from fse.holders import ApcvRights
from fse.identifiers import mask_nir
from fse.vitale_update import is_out_of_date
from gateway.card_file import card_in_reader
from gateway.card_office import CardOffice
from gateway.cli.output import LanguageOption, console, day_text, plain, read_file, say
from gateway.errors import GatewayError
from gateway.home import Home

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from card_sim.vitale import VitaleCard

__all__ = ["add_to"]


CardFile = Annotated[Path, typer.Argument(metavar="CARTE", help="fichier d'une carte")]
Day = Annotated[
    str | None, typer.Option("--on", metavar="AAAA-MM-JJ", help="jour de l'opération (défaut : aujourd'hui)")
]
CodeFile = Annotated[
    Path | None, typer.Option(metavar="FICHIER", help="fichier du code, seul sur sa ligne ; sinon il est demandé")
]


def add_to(app: typer.Typer) -> None:
    """Put these commands into the group ``app``."""
    for command in (new, telephone, show, verify_pin, unblock, oppose, expire, update, withdraw):
        app.command(command.__name__.replace("_", "-"))(command)


def new(
    description: Annotated[Path, typer.Argument(metavar="DESCRIPTION.toml", help="voir examples/*.toml")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="CARTE", help="fichier à écrire")],
    replaces: Annotated[
        Path | None, typer.Option(metavar="CARTE", help="carte que celle-ci remplace, mise en opposition")
    ] = None,
    on: Day = None,
    lang: LanguageOption = "fr",
) -> None:
    """Fait une carte à partir de sa description, avec l'infrastructure de test locale."""
    del lang
    card = _office().new(description, output, replaces=replaces, on=_day(on))
    console.print(f"[green]✔[/] {say('carte faite', 'card made')} :", output, highlight=False)
    console.print(_table(card, _day(on)))


def telephone(
    path: CardFile,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="APCV", help="fichier à écrire")],
    at: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="début du jeton, 2025-03-04T10:30+01:00 (défaut : maintenant)")
    ] = None,
    minutes: Annotated[int, typer.Option(min=1, max=1440, help="durée du jeton")] = 15,
    lang: LanguageOption = "fr",
) -> None:
    """Fait l'apCV-sim d'une Vitale : la carte sur le téléphone, un jeton de droits signé, bon quelques minutes."""
    del lang
    card = _office().telephone(path, output, first=_instant(at), minutes=minutes)
    console.print(f"[green]✔[/] {say('apCV-sim faite', 'apCV-sim made')} :", output, highlight=False)
    console.print(_table(card, paris_date(card.certificate.not_valid_before_utc)))


def show(path: CardFile, on: Day = None, lang: LanguageOption = "fr") -> None:
    """Montre l'état d'une carte : titulaire, validité, essais, opposition, droits. Ni code ni clé."""
    del lang
    console.print(_table(load(path), _day(on)))


def verify_pin(path: CardFile, pin_file: CodeFile = None, lang: LanguageOption = "fr") -> None:
    """Présente un code à une CPS, comme au lecteur : un code faux coûte un essai, trois la bloquent."""
    del lang
    _require_cps(path)
    with card_in_reader(path) as card:
        CpsReader(card.transmit).verify_pin(_code(pin_file, say("Code de la carte CPS", "PIN of the CPS")))
    console.print(f"[green]✔[/] {say('code juste', 'right PIN')}", highlight=False)


def unblock(
    path: CardFile,
    puk_file: CodeFile = None,
    new_pin_file: CodeFile = None,
    lang: LanguageOption = "fr",
) -> None:
    """Débloque une CPS avec son PUK et lui donne un nouveau code ; le PUK sert dix fois, juste ou faux."""
    del lang
    _require_cps(path)
    puk = _code(puk_file, "PUK")
    pin = _code(new_pin_file, say("Nouveau code", "New PIN"), confirm=True)
    with card_in_reader(path) as card:
        CpsReader(card.transmit).unblock(puk, pin)
    console.print(f"[green]✔[/] {say('carte débloquée', 'card unblocked')}", highlight=False)


def oppose(path: CardFile, on: Day = None, lang: LanguageOption = "fr") -> None:
    """Met une carte en opposition : une CPS est révoquée à cette date, une Vitale entre dans la liste locale."""
    del lang
    _office().oppose(path, _day(on))
    console.print(_table(load(path), _day(on)))


def expire(path: CardFile, on: Day = None, lang: LanguageOption = "fr") -> None:
    """Fait expirer une CPS : son dernier jour devient la veille."""
    del lang
    console.print(_table(_office().expire(path, _day(on)), _day(on)))


def update(
    path: CardFile,
    changes: Annotated[
        Path | None, typer.Option("--with", metavar="FICHIER.toml", help="champs qui changent (rights, cover…)")
    ] = None,
    on: Day = None,
    lang: LanguageOption = "fr",
) -> None:
    """Met une Vitale à jour, comme une borne de pharmacie."""
    del lang
    console.print(_table(_office().update(path, _day(on), changes), _day(on)))


def withdraw(path: CardFile, on: Day = None, lang: LanguageOption = "fr") -> None:
    """Retire une carte : elle n'entre plus dans aucun lecteur."""
    del lang
    _office().withdraw(path, _day(on))
    console.print(_table(load(path), _day(on)))


def _office() -> CardOffice:
    home = Home.local()
    home.make()
    return CardOffice(home)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(PARIS).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(say("AAAA-MM-JJ attendu", "YYYY-MM-DD expected"), param_hint="--on") from None


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = datetime.min  # noqa: DTZ901 - naive on purpose: refused just below
    if found.tzinfo is None:
        told = say("AAAA-MM-JJTHH:MM+01:00 attendu", "YYYY-MM-DDTHH:MM+01:00 expected")
        raise typer.BadParameter(told, param_hint="--at")
    return found.astimezone(UTC)


def _code(file: Path | None, what: str, *, confirm: bool = False) -> str:
    if file is not None:
        return read_file(file, 100).decode("ascii", "replace").strip()
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=confirm))


def _require_cps(path: Path) -> None:
    if not isinstance(load(path), CpsCard):
        raise GatewayError("CARD-KIND", file=path, kind="Vitale", expected="CPS")


def _table(card: CpsCard | VitaleCard, on: date) -> Table:
    table = Table(show_header=False)
    rows = _cps_rows(card, on) if isinstance(card, CpsCard) else _vitale_rows(card, on)
    for name, value in (*rows, (say("état", "state"), _state(card))):
        table.add_row(name, plain(value))
    return table


def _state(card: CpsCard | VitaleCard) -> str:
    words = {
        CardState.IN_USE: say("en service", "in use"),
        CardState.OPPOSED: say("en opposition", "in opposition"),
        CardState.REPLACED: say("remplacée", "replaced"),
        CardState.WITHDRAWN: say("retirée", "withdrawn"),
    }
    since = "" if card.life.since is None else say(" depuis le ", " since ") + day_text(card.life.since)
    successor = f" ({say('par', 'by')} {card.life.successor})" if card.life.successor else ""
    return words[card.life.state] + successor + since


def _cps_rows(card: CpsCard, on: date) -> list[tuple[str, str]]:
    who = card.profile
    tries = f"{card.pin.tries_left} / {MAXIMUM_TRIES}"
    signs = [
        word
        for word, may in ((say("feuilles", "sheets"), who.may_sign_sheet), (say("lots", "lots"), who.may_sign_lot))
        if may
    ]
    return [
        (say("carte", "card"), f"{who.family} {who.card_serial} ({who.dialect})"),
        (say("titulaire", "holder"), f"{who.first_name} {who.family_name}, {who.profession}, RPPS {who.rpps}"),
        (say("structures", "structures"), ", ".join(who.structures)),
        (say("signe", "signs"), ", ".join(signs) or "–"),
        (
            say("validité", "validity"),
            f"{day_text(who.valid_from)} → {day_text(who.valid_to)}"
            + ("" if who.valid_from <= on <= who.valid_to else say(" : HORS VALIDITÉ", ": NOT VALID")),
        ),
        (
            say("essais du code", "PIN tries"),
            tries
            + ("" if card.pin.tries_left else say(" : BLOQUÉE (fse card unblock)", ": BLOCKED (fse card unblock)")),
        ),
        (say("usages du PUK", "uses of the PUK"), f"{card.pin.unblocks_left} / {MAXIMUM_UNBLOCKS}"),
    ]


def _period(token: Certificate) -> str:
    ends = (token.not_valid_before_utc, token.not_valid_after_utc)
    return " → ".join(f"{one.astimezone(PARIS):%d/%m/%Y %H:%M}" for one in ends)


def _vitale_rows(card: VitaleCard, on: date) -> list[tuple[str, str]]:
    family = card.profile
    rights = ", ".join(f"{day_text(one.start)} → {day_text(one.end)}" for one in family.rights)
    opened = any(one.start <= on <= one.end for one in family.rights)
    old = is_out_of_date(family.updated_on, on)
    people = [f"{one.first_name} {one.family_name} ({one.quality})" for one in family.beneficiaries]
    token = [] if ApcvRights.of(card.certificate) is None else [(say("jeton", "token"), _period(card.certificate))]
    return [
        (say("carte", "card"), f"{'apCV-sim' if token else 'Vitale'} {family.serial}"),
        *token,
        (say("assuré", "insured"), f"{family.first_name} {family.family_name}, NIR {mask_nir(family.nir)}"),
        (say("bénéficiaires", "beneficiaries"), ", ".join(people) or "–"),
        (say("caisse", "caisse"), f"{family.regime} {family.caisse} {family.centre}"),
        (say("droits", "rights"), (rights or "–") + ("" if opened else say(" : FERMÉS ce jour", ": CLOSED that day"))),
        (say("couverture", "cover"), family.cover or "–"),
        (
            say("mise à jour", "updated"),
            day_text(family.updated_on)
            + (say(" : plus d'un an, à mettre à jour", ": over a year ago, to be updated") if old else ""),
        ),
    ]
