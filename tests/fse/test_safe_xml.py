"""Hostile XML stays outside, and what is said of it repeats nothing of it."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from lxml import etree

from fse import safe_xml
from fse.safe_xml import MAX_DOCUMENT_BYTES, XmlError, XmlFormat
from fse.sheet_xml import write_sheet
from tests.fse.sheet_builders import example_sheet

NIR = "1850362041999"
ROOT = b'<feuille xmlns="urn:fse-sim:feuille:1">'

BILLION_LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol">
<!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>
<feuille xmlns="urn:fse-sim:feuille:1">&lol3;</feuille>"""


def refusal(data: bytes) -> XmlError:
    """Return why ``data`` is refused as a sheet."""
    with pytest.raises(XmlError) as caught:
        safe_xml.parse(data, "feuille-1")
    return caught.value


@pytest.mark.parametrize(
    ("document", "line"),
    [
        pytest.param(BILLION_LAUGHS, 2, id="billion laughs"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 1, id="file"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/">]><a>&x;</a>', 1, id="http"),
        pytest.param(b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', 1, id="external subset"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY x "y">]><a b="&x;"/>', 1, id="entity in an attribute"),
        pytest.param(b"\n\n<!DOCTYPE feuille>" + ROOT + b"</feuille>", 3, id="no entity"),
    ],
)
def test_a_document_type_is_refused_before_anything_is_expanded(document: bytes, line: int) -> None:
    """No DTD: no expansion, no file, no network."""
    error = refusal(document)
    assert error.rule.id == "XML-FORM"
    assert error.facts == {"line": line, "reason": "DOCTYPE"}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"FSE", id="text"),
        pytest.param(b"<a>&x;</a>", id="undeclared entity"),
        pytest.param(b"<a>" * 300 + b"</a>" * 300, id="deep nesting"),
        pytest.param(b"<a>\0</a>", id="NUL"),
        pytest.param("<a>é</a>".encode("latin-1"), id="Latin-1"),
        pytest.param('<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"), id="UTF-16"),
        pytest.param('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16"), id="DTD in UTF-16"),
        pytest.param(b"<a></b>", id="tags that do not match"),
        pytest.param(b'<a b="1" b="2"/>', id="attribute twice"),
        pytest.param(b"<a/><a/>", id="two roots"),
    ],
)
def test_what_is_not_well_formed_utf_8_is_refused_with_its_line(document: bytes) -> None:
    """One rule for everything that is not XML as it is accepted here."""
    error = refusal(document)
    assert error.rule.id == "XML-FORM"
    assert isinstance(error.facts["line"], int)


def test_the_limit_of_size_is_the_last_size_read() -> None:
    """A document is measured before it is parsed."""
    fits = ROOT + b"</feuille>" + b" " * (MAX_DOCUMENT_BYTES - len(ROOT) - 10)
    assert refusal(fits).rule.id == "XML-SCHEMA"
    error = refusal(fits + b" ")
    assert error.rule.id == "XML-SIZE"
    assert error.facts == {"size": MAX_DOCUMENT_BYTES + 1, "limit": MAX_DOCUMENT_BYTES}


VALID = write_sheet(example_sheet()).decode()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(VALID.replace(NIR, "9" + NIR), id="too long"),
        pytest.param(VALID.replace("2025-03-04", NIR, 1), id="as a date"),
        pytest.param(VALID.replace(">1.40<", f">{NIR}'{NIR} is not<"), id="beside quotes"),
        pytest.param(VALID.replace("<assure>", f"<n{NIR}/><assure>"), id="name"),
        pytest.param(VALID.replace("<assure>", f'<assure n{NIR}="{NIR}">'), id="attribute"),
        pytest.param(VALID.replace("<assure>", f"<assure>{NIR}"), id="stray text"),
        pytest.param(VALID.replace("<cle>", f"<cle>&n{NIR};"), id="entity"),
        pytest.param(VALID.replace("</nir>", f"</n{NIR}>"), id="end tag"),
        pytest.param(VALID.replace("urn:fse-sim:feuille:1", f"urn:{NIR}"), id="namespace"),
    ],
)
def test_a_refusal_never_repeats_a_nir(document: str) -> None:
    """Messages go to logs and screens: no identity in them, wherever the document put it."""
    error = refusal(document.encode())
    assert NIR not in error.message("fr") + error.message("en") + str(error) + repr(error.facts)


def test_a_refusal_says_which_element_is_wrong_and_where() -> None:
    """A person must find the fault: schema, line, element."""
    error = refusal(VALID.replace("<date_elaboration>2025-03-04", "\n<date_elaboration>hier").encode())
    assert error.rule.id == "XML-SCHEMA"
    assert (error.facts["schema"], error.facts["line"]) == ("feuille-1", 2)
    assert str(error.facts["reason"]).startswith("Element 'date_elaboration':")
    assert "hier" not in str(error)


def test_a_refusal_shows_the_form_that_was_expected_as_the_schema_has_it() -> None:
    """Namespaces go, the counts in braces of a pattern stay: without them the form would be another one."""
    error = refusal(VALID.replace("<code_acte>COD", "<code_acte>cod").encode())
    reason = str(error.facts["reason"])
    assert "'[A-Z0-9][A-Z0-9+]{0,9}'" in reason
    assert "urn:" not in reason
    unknown = refusal(VALID.replace("<assure>", '<other xmlns="somewhere"/><assure>').encode())
    told = str(unknown.facts["reason"])
    assert "Element 'other'" in told
    assert "urn:" not in told


def test_a_long_complaint_is_cut() -> None:
    """An answer is bounded, whatever was sent."""
    error = refusal(f"<{'a' * 1000}/>".encode())
    assert len(str(error.facts["reason"])) == 201


SAID: XmlFormat[str] = XmlFormat(
    "lot-1", lambda value: safe_xml.element("urn:x", "a", text=value), lambda root: root.text or ""
)


def test_what_xml_cannot_hold_is_refused_before_it_is_written() -> None:
    """A control character is no XML: nobody signs a document that nobody can read."""
    with pytest.raises(XmlError) as caught:
        SAID.write("a\0b")
    assert caught.value.rule.id == "XML-WRITING"


def test_canonical_form_is_that_of_the_standard_library() -> None:
    """Python's own canonicalisation writes the same bytes (no namespace prefix is used, so both norms agree)."""
    root = etree.fromstring(write_sheet(example_sheet()))
    again = ET.canonicalize(etree.tostring(root, encoding="unicode"))
    assert safe_xml.canonical(root).decode() == again
