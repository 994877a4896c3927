"""A sheet's XML as a table that a person can read: item of the arrêté, name, value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxml import etree
from rich.table import Table

from fse import safe_xml
from fse.identifiers import mask_nir
from gateway.cli.output import euros, plain, say

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["sheet_table"]

_ITEMS = {
    "date_elaboration": "1°",
    "numero_ordre": "2°",
    "assure": "3°",
    "beneficiaire": "4°",
    "organisme_servant": "5°",
    "professionnel": "6°",
    "prescripteur": "7°",
    "nature_assurance": "8°",
    "acte": "9°",
    "date_entente_prealable": "10°",
    "imagerie": "11°",
    "montant_total_facture": "12°",
    "montant_dispense_avance": "13°",
    "unite_monetaire": "14°",
    "transmis_amc": "15°",
}
_AMOUNTS = frozenset(
    {
        "montant_honoraires",
        "montant_amo",
        "montant_total_facture",
        "montant_dispense_avance",
        "indemnite_deplacement",
        "montant",
    }
)


def sheet_table(payload: bytes) -> Table:
    """Return the table of a sheet's XML; a NIR is masked. Raises :class:`fse.safe_xml.XmlError`."""
    root = safe_xml.parse(payload, "feuille-1")
    table = Table(
        say("art. 1", "art. 1"),
        say("rubrique", "item"),
        say("valeur", "value"),
        title=say("Arrêté du 9 avril 1998", "Arrêté of 9 April 1998"),
    )
    etree.strip_tags(root, etree.Comment, etree.ProcessingInstruction)  # the schema does not see them
    for top in root:
        name = etree.QName(top).localname
        first = True
        for path, value in _leaves(top, name):
            table.add_row(_ITEMS.get(name, "") if first else "", path, plain(value))
            first = False
    return table


def _leaves(node: etree._Element, path: str) -> Iterator[tuple[str, str]]:
    if not len(node):
        name = path.rsplit("/", 1)[-1]
        text = node.text or "✓"
        if name == "nir":
            text = mask_nir(text)
        elif name in _AMOUNTS:
            text = euros(int(text))
        yield path, text
    for child in node:
        yield from _leaves(child, f"{path}/{etree.QName(child).localname}")
