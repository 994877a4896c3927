"""
The tree of our payment return (``schemas/noemie/tree.toml``): which entity stands inside which.

The break level says how deep an entity stands. A level that is closed ends with a 990 that counts its items and sums
its money; both are checked here, and so is the total of 999.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import schemas
from fse.noemie.errors import NoemieError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fse.noemie.codec import Entity, Stream

__all__ = ["Node", "NodeKind", "grow", "node_kinds"]

_CONTROL = "990"
_UNBOUNDED = 0
"""No limit of its own: the limits of the stream bound it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeKind:
    """One place of the tree: the entity that stands there, at which level, within what, how often."""

    name: str
    entity: str
    level: str
    within: str
    fr: str
    en: str
    least: int = 0
    most: int = _UNBOUNDED
    closed: bool = False
    money: str = ""
    money_when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Node:
    """An entity in its place, with what stands inside it."""

    kind: NodeKind | None
    entity: Entity
    children: list[Node] = field(default_factory=list)

    def of(self, name: str) -> list[Node]:
        """Return the children in the place ``name``."""
        return [one for one in self.children if one.kind is not None and one.kind.name == name]

    @property
    def cents(self) -> int:
        """The money that counts for the transfer, here and below, in cents."""
        own = 0
        if self.kind is not None and self.kind.money:
            counts = all(self.entity.text(name) == code for name, code in self.kind.money_when.items())
            own = self.entity.signed(self.kind.money) if counts else 0
        return own + sum(one.cents for one in self.children)


@cache
def node_kinds() -> Mapping[tuple[str, str], NodeKind]:
    """Return the places of the tree by entity and level."""
    entries = schemas.read_toml("noemie/tree.toml")["node"].items()
    return {(entry["entity"], entry["level"]): NodeKind(name=name, **entry) for name, entry in entries}


def grow(stream: Stream) -> Node:
    """
    Return the tree of ``stream``, from its 000; unknown entities are left out.

    Raises :class:`NoemieError`: NOEMIE-TREE for an entity out of its place, NOEMIE-COUNT and NOEMIE-TOTAL for a 990 or
    the 999 that does not agree with what it closes.
    """
    first, *inner, last = stream.known
    root = Node(None, first)
    open_nodes = [root]
    for entity in inner:
        if entity.kind == _CONTROL:
            _close(open_nodes, entity)
        else:
            _add(open_nodes, entity)
    while len(open_nodes) > 1:
        _leave(open_nodes, last)
    _check_inside(root, last)
    lots = sum(len(one.of("lot")) for transfer in root.children for one in transfer.children)
    _agree(last, "lots", lots, root.cents)
    return root


def _add(open_nodes: list[Node], entity: Entity) -> None:
    kind = node_kinds().get((entity.kind, entity.level))
    if kind is None:
        raise _out_of_place(entity)
    while len(open_nodes) > int(kind.level):
        _leave(open_nodes, entity)
    parent = open_nodes[-1]
    full = kind.most != _UNBOUNDED and len(parent.of(kind.name)) == kind.most
    if kind.within != _name(parent) or full:
        raise _out_of_place(entity)
    node = Node(kind, entity)
    parent.children.append(node)
    open_nodes.append(node)


def _close(open_nodes: list[Node], control: Entity) -> None:
    while len(open_nodes) - 1 > int(control.level):
        _leave(open_nodes, control)
    node = open_nodes[-1]
    if node.kind is None or not node.kind.closed:
        raise _out_of_place(control)
    if (control.level, control.text("closes")) != (node.kind.level, node.kind.entity):
        raise _out_of_place(control)
    _agree(control, "count", len(node.children), node.cents)
    _leave(open_nodes, control, closed=True)


def _leave(open_nodes: list[Node], entity: Entity, *, closed: bool = False) -> None:
    """End the deepest node, ``closed`` by its control; ``entity`` is where the stream stands, for the error."""
    node = open_nodes.pop()
    if node.kind is not None and node.kind.closed and not closed:
        raise _out_of_place(entity)
    _check_inside(node, entity)


def _check_inside(node: Node, entity: Entity) -> None:
    for kind in _inside(_name(node)):
        if len(node.of(kind.name)) < kind.least:
            raise _out_of_place(entity)


def _inside(name: str) -> Iterator[NodeKind]:
    return (kind for kind in node_kinds().values() if kind.within == name)


def _name(node: Node) -> str:
    return "file" if node.kind is None else node.kind.name


def _agree(control: Entity, counter: str, found: int, cents: int) -> None:
    place = {"rank": control.rank, "kind": control.kind, "position": control.position}
    if control.number(counter) != found:
        raise NoemieError("NOEMIE-COUNT", **place, stated=control.number(counter), found=found)
    if control.signed("amount") != cents:
        raise NoemieError("NOEMIE-TOTAL", **place, stated=control.signed("amount"), found=cents)


def _out_of_place(entity: Entity) -> NoemieError:
    return NoemieError("NOEMIE-TREE", rank=entity.rank, kind=entity.kind, position=entity.position)
