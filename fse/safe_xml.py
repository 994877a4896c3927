"""
Hostile XML in, canonical XML out.

Everything read from outside passes :func:`parse`: bounded size, no DTD, no entity, no network, one schema.
Everything written leaves through :func:`canonical`: exclusive canonicalisation (W3C xml-exc-c14n), so that equal
content is equal bytes and a signature covers exactly one writing of it. A kind of document is an :class:`XmlFormat`:
what it reads is written again, and any difference refuses the whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

from lxml import etree

import schemas
from fse.errors import FseError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_DOCUMENT_BYTES", "XmlError", "XmlFormat", "canonical", "element", "parse"]

MAX_DOCUMENT_BYTES = 1_000_000
"""Largest XML document that is read, in bytes; the largest lot manifest (990 sheets) is a tenth of it."""

_MAX_MESSAGE = 200
_DOCTYPE = b"<!DOCTYPE"

_Value = TypeVar("_Value")


class XmlError(FseError):
    """An XML document that is too large, not well formed, forbidden in form, or outside its schema."""


@dataclass(frozen=True, slots=True)
class XmlFormat(Generic[_Value]):
    """One kind of document in one version: its XSD (a name such as ``feuille-1``), and the ways to XML and back."""

    schema: str
    to_xml: Callable[[_Value], etree._Element]
    from_xml: Callable[[etree._Element], _Value]

    def write(self, value: _Value) -> bytes:
        """
        Return the canonical XML of ``value``, read back to make sure that nothing of it was lost.

        Raises :class:`XmlError`: XML-SCHEMA when an item has not the form that the schema asks, XML-WRITING when the
        document has no place for one.
        """
        try:
            data = canonical(self.to_xml(value))
        except ValueError:
            raise XmlError("XML-WRITING", schema=self.schema) from None
        if self.read(data) != value:
            raise XmlError("XML-WRITING", schema=self.schema)
        return data

    def read(self, data: bytes) -> _Value:
        """
        Return the value written in ``data``.

        Raises :class:`XmlError`: those of :func:`parse`, or XML-WRITING for another writing than :meth:`write`'s (white
        space, order of attributes, comments, totals…).
        """
        root = parse(data, self.schema)
        try:
            value = self.from_xml(root)
            if canonical(self.to_xml(value)) == data:
                return value
        except ValueError:
            pass
        raise XmlError("XML-WRITING", schema=self.schema)


@cache
def _schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.fromstring(schemas.read_bytes(f"xsd/{name}.xsd")))


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
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
    if _DOCTYPE in data:
        raise XmlError("XML-FORM", line=data[: data.index(_DOCTYPE)].count(b"\n") + 1, reason="DOCTYPE")
    try:
        root = etree.fromstring(data, _parser())
    except etree.XMLSyntaxError as error:
        raise XmlError("XML-FORM", line=error.lineno, reason=_what(error.msg)) from None
    validator = _schema(schema)
    if not validator.validate(root):
        first = validator.error_log[0]
        raise XmlError("XML-SCHEMA", schema=schema, line=first.line, reason=_what(first.message))
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
    """Return a complaint of libxml2 without namespaces, and without what the document says: it may be an identity."""
    told = re.sub(r"(?<=[ '])\{[^}']*\}", "", message)  # `{urn:…}name`; the `{4}` of a pattern stays
    told = re.sub(r"(The value|:) '.*' (?=is not)", r"\1 ", told, flags=re.DOTALL)
    told = re.sub(r"[0-9]{5,}", "…", told)
    return told if len(told) <= _MAX_MESSAGE else told[:_MAX_MESSAGE] + "…"
