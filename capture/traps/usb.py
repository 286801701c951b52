"""Traps on the way from a USB3 Vision camera to its program. Reads sysfs below a root that tests replace.

USB3 Vision devices have an interface of class 0xEF, subclass 0x05 (USB3 Vision 1.0, section 3).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.traps.finding import Finding
from capture.traps.network import ROOT, read_number, read_text

VISION_CLASS, VISION_SUBCLASS = "ef", "05"
SUPER_SPEED_MBIT = 5000
SMALL_USB_MEMORY_MB, GOOD_USB_MEMORY_MB = 256, 1000
RULES_FILE = "/etc/udev/rules.d/70-cyclerig-cameras.rules"
"""Numbered below 73: later rules of systemd act on the tag."""


@dataclass(frozen=True)
class UsbCamera:
    """A USB3 Vision camera as the kernel sees it, whether or not any producer does."""

    name: str
    serial: str
    vendor_id: str
    mbit_per_s: int
    node: Path

    def __str__(self) -> str:
        return f"{self.name} ({self.serial})" if self.serial else self.name


def usb_cameras(root: Path = ROOT) -> list[UsbCamera]:
    """Return the USB3 Vision cameras on the bus."""
    found = []
    for folder in sorted((root / "sys/bus/usb/devices").glob("*")):
        kinds = (
            (read_text(interface / "bInterfaceClass"), read_text(interface / "bInterfaceSubClass"))
            for interface in folder.glob("*:*")
        )
        if (VISION_CLASS, VISION_SUBCLASS) not in kinds:
            continue
        bus, number = read_number(folder / "busnum") or 0, read_number(folder / "devnum") or 0
        name = f"{read_text(folder / 'manufacturer')} {read_text(folder / 'product')}".strip()
        found.append(
            UsbCamera(
                name or "USB camera",
                read_text(folder / "serial"),
                read_text(folder / "idVendor"),
                read_number(folder / "speed") or 0,
                root / f"dev/bus/usb/{bus:03d}/{number:03d}",
            )
        )
    return found


def _may_use(node: Path) -> bool:
    return os.access(node, os.R_OK | os.W_OK)


def missing_rights(
    cameras: Sequence[UsbCamera], may_use: Callable[[Path], bool] = _may_use
) -> Iterator[Finding]:
    """Without a udev rule only root may open the camera; producers then list nothing, and do not say why."""
    for vendor in dict.fromkeys(camera.vendor_id for camera in cameras if not may_use(camera.node)):
        mine = [camera for camera in cameras if camera.vendor_id == vendor and not may_use(camera.node)]
        names = ", ".join(map(str, mine))
        rule = f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor}", TAG+="uaccess", MODE="0660"'
        yield Finding(
            "problem",
            f"{names}: no right to use {mine[0].node}. A udev rule gives it to whoever sits at the computer.",
            f"echo '{rule}' | sudo tee -a {RULES_FILE} && "
            "sudo udevadm control --reload && sudo udevadm trigger",
        )


def slow_ports(cameras: Sequence[UsbCamera]) -> Iterator[Finding]:
    """A USB 2 port, hub or cable: the camera works at a tenth of its rate, or not at all."""
    for camera in cameras:
        if 0 < camera.mbit_per_s < SUPER_SPEED_MBIT:
            yield Finding(
                "problem",
                f"{camera} runs at {camera.mbit_per_s} Mbit/s, as USB 2 does; {SUPER_SPEED_MBIT} are needed. "
                "Use a USB 3 port and a USB 3 cable with screws, without a hub.",
                "lsusb -t",
            )


def small_transfer_memory(cameras: Sequence[UsbCamera], root: Path = ROOT) -> Iterator[Finding]:
    """The kernel gives all USB transfers together 16 MB by default: less than two large frames."""
    path = root / "sys/module/usbcore/parameters/usbfs_memory_mb"
    size = read_number(path)
    if cameras and size is not None and 0 < size < SMALL_USB_MEMORY_MB:
        yield Finding(
            "problem",
            f"USB transfers may use {size} MB (usbfs_memory_mb), USB3 cameras will lose frames.",
            f"echo {GOOD_USB_MEMORY_MB} | sudo tee /sys/module/usbcore/parameters/usbfs_memory_mb",
        )


def unseen_cameras(cameras: Sequence[UsbCamera], serials: frozenset[str]) -> Iterator[Finding]:
    """A camera hangs on the bus and no producer lists it."""
    for camera in cameras:
        if camera.serial and not any(camera.serial in serial for serial in serials):
            yield Finding(
                "note",
                f"{camera} is connected, but no producer lists it: install its maker's software, or close "
                "the program that uses it.",
            )
