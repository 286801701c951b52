"""Do the cameras of a rig fit through the link they share? And what to set if they do not.

Two cameras that expose together also send together. Each sends as fast as the link allows unless
`DeviceLinkThroughputLimit` (SFNC, bytes per second) holds it back, and a switch or a host controller that
must hold two images at once loses packets, even where the average would fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capture.pixel_formats import FORMATS

IP_UDP_GVSP_BYTES = 36
"""Of GevSCPSPacketSize bytes, IPv4 (20), UDP (8) and GVSP (8) headers take these; the rest is image."""

ETHERNET_BYTES = 38
"""Around each packet on the wire: preamble 8, header 14, checksum 4, gap 12."""

USUAL_PACKET_BYTES = 1500

RESERVE = 0.05
"""Share of a network link left free, for control, resends and everybody else."""

LIMIT_STEP = 1000
"""Limits are given in these steps, in bytes per second: nobody types more digits."""

USB_USABLE = {480: 40e6, 5000: 380e6, 10000: 900e6, 20000: 1800e6}
"""Bytes per second that host controllers carry in practice, by link speed in Mbit/s."""


@dataclass(frozen=True)
class Stream:
    """What a camera is to send. `rate_hz`: frames per second; sizes in pixels; a PFNC format."""

    name: str
    pixel_format: str
    width: int
    height: int
    rate_hz: float
    packet_bytes: int = USUAL_PACKET_BYTES

    @property
    def image_bytes_per_s(self) -> float:
        """Return what its images take; 0 for a format that is not known."""
        pixel_format = FORMATS.get(self.pixel_format)
        return (
            0.0 if pixel_format is None else pixel_format.buffer_bytes(self.width, self.height) * self.rate_hz
        )


@dataclass(frozen=True)
class Link:
    """What the streams share. `mbit_per_s` as negotiated (1000 for Gigabit Ethernet)."""

    name: str
    transport: Literal["GEV", "U3V"]
    mbit_per_s: float

    @property
    def usable_bytes_per_s(self) -> float:
        """Return what may be planned with, everything on the wire included."""
        if self.transport == "U3V":
            slower = [usable for speed, usable in USB_USABLE.items() if speed <= self.mbit_per_s]
            return max(slower, default=self.mbit_per_s * 1e6 / 8 * 0.7)
        return self.mbit_per_s * 1e6 / 8 * (1 - RESERVE)


@dataclass(frozen=True)
class Budget:
    """Streams over one link.

    Attributes:
        needed: bytes per second on the wire, by stream, in the order given.
        usable: bytes per second that the link carries.
        limits: DeviceLinkThroughputLimit to set, by stream: the link shared out by need.
    """

    link: Link
    streams: tuple[Stream, ...]
    needed: tuple[float, ...]
    usable: float
    limits: tuple[int, ...]

    @property
    def load(self) -> float:
        """Return the share of the link that is needed; over 1 does not fit."""
        return sum(self.needed) / self.usable

    @property
    def fits(self) -> bool:
        """Tell whether all frames get through."""
        return self.load <= 1

    @property
    def highest_rate_hz(self) -> float:
        """Return the frame rate at which all streams, at one common rate, just fit."""
        at_one_hz = sum(need / stream.rate_hz for need, stream in zip(self.needed, self.streams, strict=True))
        return self.usable / at_one_hz


def wire_bytes_per_s(stream: Stream, transport: str) -> float:
    """Return what a stream takes on the wire, headers included."""
    if transport != "GEV":
        return stream.image_bytes_per_s
    packet = stream.packet_bytes
    return stream.image_bytes_per_s * (packet + ETHERNET_BYTES) / (packet - IP_UDP_GVSP_BYTES)


def budget(link: Link, *streams: Stream) -> Budget:
    """Return what the streams need of a link. Every stream needs a known format, a size and a rate > 0."""
    needed = tuple(wire_bytes_per_s(stream, link.transport) for stream in streams)
    usable = link.usable_bytes_per_s
    total = sum(needed)
    if not total > 0:
        raise ValueError("a budget needs streams of known formats, sizes and rates")
    limits = tuple(int(usable * need / total / LIMIT_STEP) * LIMIT_STEP for need in needed)
    return Budget(link, streams, needed, usable, limits)


def need_line(stream: Stream, bytes_per_s: float) -> str:
    """Return what a stream needs, in words."""
    size = f"{stream.width}×{stream.height}"
    return (
        f"{stream.name}: {stream.pixel_format} {size} × {stream.rate_hz:g} Hz = {bytes_per_s / 1e6:.1f} MB/s"
    )


def budget_lines(found: Budget) -> list[str]:
    """Return the budget in words: a line per stream, the sum, and what to set."""
    lines = [need_line(stream, need) for stream, need in zip(found.streams, found.needed, strict=True)]
    verdict = "fits" if found.fits else "does not fit"
    lines.append(
        f"Together {sum(found.needed) / 1e6:.1f} of {found.usable / 1e6:.1f} MB/s on {found.link.name} "
        f"({found.load:.0%}): {verdict}"
    )
    if not found.fits:
        lines.append(f"Highest common rate: {found.highest_rate_hz:.1f} Hz")
    if len(found.streams) > 1:
        shares = ", ".join(
            f"{stream.name} {limit}" for stream, limit in zip(found.streams, found.limits, strict=True)
        )
        lines.append(f"DeviceLinkThroughputLimit, bytes/s: {shares}")
    return lines
