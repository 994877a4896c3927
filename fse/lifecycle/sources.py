"""Where the rows of the life cycles come from, in the words of a reference."""

from __future__ import annotations

__all__ = ["HOUSE", "PAPER", "PROTOCOL_6", "R161_42", "R161_43", "R161_47", "R161_47_1998", "R161_47_III"]

R161_42 = "CSS R161-42 10°"
R161_43 = "CSS R161-43"
R161_47 = "CSS R161-47 I 1°"
R161_47_1998 = "CSS R161-47 I, version of 1 January 1998 (uncertain since)"
R161_47_III = "CSS R161-47 III; protocol (convention 2023-212, annexe 1.2) art. 6"
PROTOCOL_6 = "protocol (convention 2023-212, annexe 1.2) art. 6"
PAPER = "CSS R161-47 I 2° b; protocol (convention 2023-212, annexe 1.2) art. 6"
HOUSE = "choice of this project: the texts are silent"
