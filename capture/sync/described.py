"""A camera that is not there: its GenICam description, answered by a port in memory.

Recipes are checked against the descriptions of real cameras with it. A description asks the camera what it
has (inquiry registers) before it offers a feature; the port says yes to all of those and remembers whatever
is written elsewhere. What it shows is therefore everything that the description knows; a particular model
may have less.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from genicam import genapi

from capture.errors import CaptureError

INQUIRIES = {"pIsImplemented", "pIsAvailable"}
REGISTERS = {"IntReg", "MaskedIntReg", "StructEntry"}
SELECTORS = ("TriggerSelector", "LineSelector", "SyncOutSelector", "LineOutSelector")
"""Inquiry registers lie elsewhere for each of their values."""

LIMITS = {"pMax"}
LARGEST_ANSWER = 1000
"""What a register that holds a limit says: enough for a frame rate and for the number of an action."""

DEEPEST = 12
"""Steps from a question to the register that answers it; descriptions may be circular."""

_VALUES = {"pValue", "pVariable", "pValueIndexed", "pValueDefault"}


class MemoryPort(genapi.AbstractPort):  # type: ignore[misc]  # genicam has no types
    """Registers in memory, zero until written, by address. Remembers where it was read last."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes: dict[int, int] = {}
        self.last_read = (0, 0)

    def get_access_mode(self) -> int:
        """Everything can be read and written."""
        return int(genapi.EAccessMode.RW)

    def read(self, address: int, length: int) -> bytes:
        """Return `length` bytes."""
        self.last_read = (address, length)
        return bytes(self._bytes.get(address + offset, 0) for offset in range(length))

    def write(self, address: int, data: bytes) -> None:
        """Keep bytes."""
        for offset, value in enumerate(bytes(data)):
            self._bytes[address + offset] = value

    def content(self) -> dict[int, int]:
        """Return all bytes that were written, by address."""
        return dict(self._bytes)

    def restore(self, content: dict[int, int]) -> None:
        """Hold these bytes and no others."""
        self._bytes = dict(content)

    def put(self, address: int, length: int, bits: int, order: str) -> None:
        """Set `bits` in a register, keeping the others: "BigEndian" or "LittleEndian"."""
        value_order: Any = "big" if order == "BigEndian" else "little"
        value = int.from_bytes(self.read(address, length), value_order) | bits
        self.write(address, value.to_bytes(length, value_order))


class DescribedCamera:
    """A node map over a description, with every inquiry that concerns `features` answered with yes.

    Args:
        path: the description, an XML file.
        features: nodes that will be used; others may say that they are not implemented.

    Raises:
        CaptureError: the file is no GenICam description.
    """

    def __init__(self, path: Path, features: Iterable[str]) -> None:
        text = path.read_text(encoding="utf-8", errors="replace")
        try:
            self._description = _Description(text)
            self.node_map: Any = genapi.NodeMap()
            self.node_map.load_xml_from_string(text)
        except (ET.ParseError, genapi.GenericException) as error:
            raise CaptureError(f"{path} is no GenICam description: {error}.") from error
        self._port = MemoryPort()
        self.node_map.connect(self._port, "Device")
        wanted = [name for name in features if self.node_map.has_node(name)]
        inquiries = self._description.registers_behind(wanted, INQUIRIES)
        limits = self._description.registers_behind(wanted, LIMITS) - inquiries
        self._answer(inquiries, limits)
        for selector in SELECTORS:
            for choice in self._choices(selector):
                self.node_map.get_node(selector).value = choice
                self._answer(inquiries, limits)
        self._answered = self._port.content()

    def reset(self) -> None:
        """Forget what was written (selectors, which the description keeps itself, stay where they are)."""
        self._port.restore(self._answered)
        self.node_map._invalidate_nodes()  # noqa: SLF001 (the only way past the caches)

    @property
    def model(self) -> str:
        """Vendor and model as the description names them."""
        return self._description.model

    def _choices(self, selector: str) -> tuple[str, ...]:
        if not self.node_map.has_node(selector):
            return ()
        node = self.node_map.get_node(selector)
        return tuple(node.symbolics) if node.get_access_mode() == genapi.EAccessMode.RW else ()

    def _answer(self, inquiries: Iterable[str], limits: Iterable[str]) -> None:
        """Say yes to every inquiry, and a large number to every limit, where they lie at the moment."""
        for name in inquiries:
            self._put(name, self._description.mask(name))
        for name in limits:
            self._put(name, LARGEST_ANSWER & self._description.mask(name))
        self.node_map._invalidate_nodes()  # noqa: SLF001 (the only way past the caches)

    def _put(self, name: str, bits: int) -> None:
        """Set bits of the register a node stands for: reading it tells the port where it is."""
        try:
            self.node_map.get_node(name).get_value(False, True)  # verify, ignore_cache
        except genapi.GenericException:  # not readable in this state
            return
        address, length = self._port.last_read
        self._port.put(address, length, bits, self._description.order(name))


class _Description:
    """What the XML says about registers and who asks for them."""

    def __init__(self, text: str) -> None:
        root = ET.fromstring(text)  # noqa: S314 (a file the user names; no network, no entities in GenICam)
        self.model = f"{root.get('VendorName', '')} {root.get('ModelName', '')}".strip()
        self._nodes: dict[str, ET.Element] = {}
        self._parents: dict[str, ET.Element] = {}
        for parent in root.iter():
            for node in parent:
                name = node.get("Name")
                if name and _tag(node) not in ("EnumEntry", "pVariable"):
                    self._nodes.setdefault(name, node)
                    self._parents.setdefault(name, parent)

    def registers_behind(self, features: Iterable[str], edges: set[str]) -> set[str]:
        """Return the registers that answer when features are asked about through `edges`."""
        found: set[str] = set()
        for name in self._reachable(features):
            for tag, target in self._references(name):
                if tag in edges:
                    found |= set(self._registers(target, state_too=tag == "pIsImplemented"))
        return found

    def mask(self, name: str) -> int:
        """Return the bits of a register that belong to a node, as a number."""
        node = self._nodes[name]
        length = int(self._text(name, "Length") or "4", 0)
        bit = _child(node, "Bit")
        low, high = (bit, bit) if bit is not None else (_child(node, "LSB"), _child(node, "MSB"))
        if low is None or high is None:
            return (1 << 8 * length) - 1
        first, last = sorted((int(low), int(high)))
        if self.order(name) == "BigEndian":  # bit 0 is the most significant one (GenApi standard)
            first, last = 8 * length - 1 - last, 8 * length - 1 - first
        return ((1 << (last - first + 1)) - 1) << first

    def order(self, name: str) -> str:
        """Return the byte order of a register; GenApi's default is little endian."""
        return self._text(name, "Endianess") or "LittleEndian"

    def _text(self, name: str, tag: str) -> str | None:
        """Return a property of a register; an entry of a structure has its structure's."""
        own = _child(self._nodes[name], tag)
        return own if own is not None else _child(self._parents[name], tag)

    def _reachable(self, features: Iterable[str]) -> set[str]:
        seen: set[str] = set()
        waiting = list(features)
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self._nodes:
                continue
            seen.add(name)
            waiting += [target for _, target in self._references(name)]
        return seen

    def _references(self, name: str) -> Iterator[tuple[str, str]]:
        """Return what a node points to, by tag; its enumeration entries' inquiries are its own."""
        for part in self._nodes[name].iter():
            tag = _tag(part)
            if tag in INQUIRIES | LIMITS | _VALUES and part.text:
                yield tag, part.text.strip()

    def _registers(self, name: str, *, state_too: bool, depth: int = 0) -> Iterator[str]:
        node = self._nodes.get(name)
        if node is None or depth > DEEPEST:
            return
        if _tag(node) in REGISTERS:
            # A register that is written as well holds a state (is the trigger on?): not ours to invent.
            if state_too or (self._text(name, "AccessMode") or "RO") == "RO":
                yield name
            return
        for tag, target in self._references(name):
            if tag in _VALUES:
                yield from self._registers(target, state_too=state_too, depth=depth + 1)


def _tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def _child(node: ET.Element, tag: str) -> str | None:
    return next((part.text.strip() for part in node if _tag(part) == tag and part.text), None)
