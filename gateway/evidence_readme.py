"""What an evidence file says to whoever opens it: what each file is, and how to judge it with openssl alone."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["readme"]

_MEANING = {
    "feuille.fse": "la feuille scellée, telle que transmise",
    "payload.xml": "le contenu signé de la feuille (XML canonique)",
    "vitale.p7s": "la signature de la carte Vitale sur payload.xml",
    "cps.p7s": "la signature de la carte du professionnel sur payload.xml",
    "ca.pem": "la racine de confiance (infrastructure de TEST)",
    "consultation.json": "les faits de la consultation, dont la trace de la consultation des droits (rights)",
    "situation.json": "où en est la feuille : état, dates, lot, motifs",
    "evenements.jsonl": "les événements du journal, un par ligne, chaînés par leurs empreintes",
    "retours.jsonl": "ce que disent d'elle les retours de paiement, avec l'empreinte du fichier signé par la caisse",
    "lot.xml": "la liste signée du lot : numéro et empreinte de chaque feuille",
    "lot.p7s": "la signature du lot, sur lot.xml",
    "lot.lot": "le lot entier, tel que transmis, avec les feuilles d'autres personnes",
}
_MEANING_BY_END = {
    ".arl": "un accusé de réception, tel que signé par la caisse",
    ".xml": "le contenu signé de cet accusé",
    ".p7s": "la signature de la caisse sur ce contenu",
    "-situation.json": "où en est ce papier",
    ".json": "un papier établi pour la feuille",
}

_TEXT = """\
DOSSIER DE LA FEUILLE DE SOINS ÉLECTRONIQUE N° {number:09d}
SIMULATION - sans valeur, non homologué
Établi le {at:%d/%m/%Y à %H:%M:%S} (heure de Paris) pour le contrôle médical (convention 2023-212, art. 17).
Ce dossier contient des données de santé : il n'est destiné qu'à ce contrôle.

CE QUE CONTIENT LE DOSSIER
{files}

COMMENT LE VÉRIFIER (openssl suffit)
Comparer d'abord ca.pem à la racine reçue par une autre voie : un dossier ne prouve pas sa propre racine.

1. La liste des fichiers est signée par le facturier :
   openssl cms -verify -binary -inform DER -in META-INF/signature.p7s -content META-INF/ASiCManifest.xml \\
     -CAfile ca.pem -purpose any -out /dev/null
2. Chaque fichier a l'empreinte que donne META-INF/ASiCManifest.xml (DigestValue) :
   openssl dgst -sha256 -binary FICHIER | openssl base64
3. Les signatures de la feuille (celle de la carte Vitale manque à une feuille dégradée) :
   openssl cms -verify -binary -inform DER -in cps.p7s -content payload.xml \\
     -CAfile ca.pem -purpose any -out /dev/null
   openssl cms -verify -binary -inform DER -in vitale.p7s -content payload.xml \\
     -CAfile ca.pem -purpose any -out /dev/null
4. De même pour chaque lot (lot.p7s sur lot.xml) et chaque accusé (accuse-N.p7s sur accuse-N.xml).
   L'empreinte de feuille.fse est dans lot.xml ; un accusé positif porte celle du lot entier.
5. Les événements : l'empreinte (digest) d'une ligne est le SHA-256 de l'empreinte précédente de la même chaîne (32
   octets nuls pour la première), suivie de la ligne en JSON sans digest, clés triées, sans espace, en ASCII.
"""


def readme(number: int, at: datetime, names: Sequence[str]) -> str:
    """Return the text that goes with the files ``names`` of sheet ``number``, drawn up ``at`` (Paris time)."""
    return _TEXT.format(number=number, at=at, files="\n".join(f"- {name} : {_meaning(name)}" for name in names))


def _meaning(name: str) -> str:
    known = _MEANING.get(PurePosixPath(name).name)
    return known or next(text for end, text in _MEANING_BY_END.items() if name.endswith(end))
