"""Traps on the way from a GigE camera to its program. Reads sysfs and procfs below a root that tests replace.

Sources: Linux kernel documentation, `Documentation/ABI/testing/sysfs-class-net` and
`Documentation/admin-guide/sysctl/net.rst`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.discovery import Device
from capture.traps.finding import Finding

ROOT = Path("/")
JUMBO_BYTES = 9000
SMALL_MTU = 8000
SMALL_RECEIVE_BUFFER, GOOD_RECEIVE_BUFFER = 4 << 20, 32 << 20
SLOW_MBIT = 1000


@dataclass(frozen=True)
class Adapter:
    """A network adapter that is up. `mbit_per_s` None where it does not tell (Wi-Fi, virtual ones)."""

    name: str
    address: str
    mtu: int
    mbit_per_s: int | None


def adapters(root: Path = ROOT) -> list[Adapter]:
    """Return the physical adapters that have a cable, as the kernel knows them."""
    found = []
    for folder in sorted((root / "sys/class/net").glob("*")):
        if not (folder / "device").exists() or read_text(folder / "operstate") not in ("up", "unknown"):
            continue
        speed = read_number(folder / "speed")
        found.append(
            Adapter(
                folder.name,
                read_text(folder / "address"),
                read_number(folder / "mtu") or 1500,
                speed if speed is not None and speed > 0 else None,
            )
        )
    return found


def adapter_of(device: Device, known: Sequence[Adapter]) -> Adapter | None:
    """Return the adapter a GigE camera is behind: named by the producer, or the only one there is."""
    said = device.interface.lower().replace("-", ":")
    for adapter in known:
        if adapter.name.lower() in said.split() or f"({adapter.name.lower()})" in said:
            return adapter
        if adapter.name.lower() == said or (adapter.address and adapter.address.lower() in said):
            return adapter
    return known[0] if len(known) == 1 else None


def slow_links(devices: Sequence[Device], known: Sequence[Adapter]) -> Iterator[Finding]:
    """A cable with a broken pair, or an old switch: the link falls back to 100 Mbit/s."""
    for adapter in _in_use(devices, known):
        if adapter.mbit_per_s is not None and adapter.mbit_per_s < SLOW_MBIT:
            yield Finding(
                "problem",
                f"{adapter.name} runs at {adapter.mbit_per_s} Mbit/s; GigE cameras want {SLOW_MBIT}. Change "
                "the cable (all eight wires, CAT 5e or better), or the switch.",
                f"ethtool {adapter.name}",
            )


def small_packets(devices: Sequence[Device], known: Sequence[Adapter]) -> Iterator[Finding]:
    """With 1500 bytes per packet the computer is interrupted six times as often as with 9000."""
    for adapter in _in_use(devices, known):
        if adapter.mtu < SMALL_MTU:
            yield Finding(
                "problem",
                f"{adapter.name} takes packets of {adapter.mtu} bytes: GigE cameras at full rate lose "
                "frames. Allow jumbo frames here and in any switch, then set GevSCPSPacketSize to "
                f"{JUMBO_BYTES} or let the producer negotiate it.",
                f"sudo ip link set {adapter.name} mtu {JUMBO_BYTES}",
            )


def small_receive_buffer(devices: Sequence[Device], root: Path = ROOT) -> Iterator[Finding]:
    """The kernel drops packets that no program has taken yet once its buffer is full."""
    size = read_number(root / "proc/sys/net/core/rmem_max")
    if _gige(devices) and size is not None and size < SMALL_RECEIVE_BUFFER:
        yield Finding(
            "problem",
            f"The network receive buffer is {size} bytes (net.core.rmem_max), GigE cameras will lose frames.",
            f"sudo sysctl -w net.core.rmem_max={GOOD_RECEIVE_BUFFER}",
        )


def _gige(devices: Sequence[Device]) -> list[Device]:
    return [device for device in devices if device.transport == "GEV"]


def _in_use(devices: Sequence[Device], known: Sequence[Adapter]) -> list[Adapter]:
    used = [adapter_of(device, known) for device in _gige(devices)]
    return list(dict.fromkeys(adapter for adapter in used if adapter is not None))


def read_text(path: Path) -> str:
    """Return what a kernel file says, "" where it is missing or does not answer."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def read_number(path: Path) -> int | None:
    """Return the number in a kernel file, None where there is none."""
    try:
        return int(read_text(path))
    except ValueError:
        return None
