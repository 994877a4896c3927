"""
Hostile XML in, canonical XML out.

Everything read from outside passes :func:`parse`: bounded size, no DTD, no entity, no network, one schema.
Everything written leaves through :func:`canonical`: exclusive canonicalisation (W3C xml-exc-c14n), so that equal
content is equal bytes and a signature covers exactly one writing of it.
"""

from __future__ import annotations

import re
from functools import cache

from lxml import etree

import schemas
from fse.errors import FseError

__all__ = ["MAX_DOCUMENT_BYTES", "XmlError", "canonical", "element", "parse"]

MAX_DOCUMENT_BYTES = 1_000_000
"""Largest XML document that is read, in bytes; the largest lot manifest (990 sheets) is a tenth of it."""

_MAX_MESSAGE = 200


class XmlError(FseError):
    """An XML document that is too large, not well formed, forbidden in form, or outside its schema."""


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(schemas.read_bytes(f"xsd/{name}.xsd")))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
    )


def parse(data: bytes, schema: str) -> etree._Element:
    """
    Return the root element of ``data``, valid against the XSD ``schema`` (a name such as ``feuille-1``).

    Raises :class:`XmlError` with the rule XML-SIZE, XML-FORM or XML-SCHEMA; facts: ``line`` and ``reason``.
    """
    if len(data) > MAX_DOCUMENT_BYTES:
        raise XmlError("XML-SIZE", size=len(data), limit=MAX_DOCUMENT_BYTES)
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise XmlError("XML-FORM", line=error.lineno or 0, reason=_short(error.msg or "")) from None
    if b"<!DOCTYPE" in data:
        raise XmlError("XML-FORM", line=1, reason="DOCTYPE")
    validator = _schema(schema)
    if not validator.validate(root):
        first = validator.error_log[0]
        raise XmlError("XML-SCHEMA", schema=schema, line=first.line, reason=_short(_what(first.message)))
    return root


def canonical(root: etree._Element) -> bytes:
    """Return the exclusive canonical form of ``root`` (UTF-8, no comments)."""
    return etree.tostring(root, method="c14n", exclusive=True, with_comments=False)


def element(
    namespace: str, name: str, *children: etree._Element | None, text: str | None = None, **attributes: str
) -> etree._Element:
    """Return a new element of ``namespace`` with the children that are not None."""
    made = etree.Element(etree.QName(namespace, name), attributes, {None: namespace})
    made.text = text
    made.extend(child for child in children if child is not None)
    return made


def _what(message: str) -> str:
    """Return the schema's complaint without namespaces, and without the value: it may be an identity."""
    return re.sub(r"\{[^}]*\}|(?<=The value) '[^']*'", "", message)


def _short(text: str) -> str:
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + "…"
