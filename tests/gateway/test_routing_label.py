"""The label: everything a carrier may know of a file, each part of it checked."""

from __future__ import annotations

import pytest

from gateway.routing_label import FileLabel, LabelError

LABEL = FileLabel("629990011", "019990000", 12, 34, "securise")
HEADERS = {
    "FSE-Facturier": "629990011",
    "FSE-Organisme": "019990000",
    "FSE-Fichier": "000012",
    "FSE-Lot": "000034",
    "FSE-Flux": "securise",
}


def test_a_label_is_five_headers() -> None:
    """Sender, recipient, two numbers and the kind of flow: nothing medical (protocol art. 3)."""
    assert LABEL.headers() == HEADERS
    assert FileLabel.read(HEADERS) == LABEL


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("value", [None, "", " ", "0", "securisé", "000012\n", "٠٠٠٠١٢", "1" * 40])
def test_each_header_is_needed_and_checked(name: str, value: str | None) -> None:
    """LABEL-FORM names the header that is missing or wrong."""
    headers = {key: text for key, text in HEADERS.items() if key != name}
    if value is not None:
        headers[name] = value
    with pytest.raises(LabelError) as refusal:
        FileLabel.read(headers)
    assert (refusal.value.rule.id, refusal.value.facts) == ("LABEL-FORM", {"header": name})


def test_a_biller_of_corsica_has_a_letter() -> None:
    """A FINESS of Corsica begins with 2A or 2B."""
    assert FileLabel.read(HEADERS | {"FSE-Facturier": "2A0000001"}).biller == "2A0000001"
