"""A camera on paper: a small SFNC description over registers in memory, with what makes real ones difficult.

Region and offset limit each other, exposure is locked while it is automatic, white balance hides behind a
selector, geometry is locked while it acquires (TLParamsLocked), and there are two stored user sets.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from genicam import genapi

from capture.features import FeatureTree
from capture.node_settings import NodeSettings
from capture.presets import Snapshot, take_snapshot
from capture.rig import SettingValue

WIDTH, HEIGHT, OFFSET_X, OFFSET_Y, FORMAT, AUTO, EXPOSURE, SELECTOR, BALANCE = range(0x00, 0x24, 4)
LOCKED, SET, LOAD, SAVE = 0x100, 0x104, 0x108, 0x10C
PICTURE = range(0x40)
SENSOR_WIDTH, SENSOR_HEIGHT = 1920, 1200

HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<RegisterDescription ModelName="Paper" VendorName="Paper" ToolTip="" StandardNameSpace="GEV"
  SchemaMajorVersion="1" SchemaMinorVersion="1" SchemaSubMinorVersion="0"
  MajorVersion="1" MinorVersion="0" SubMinorVersion="0"
  ProductGuid="11111111-1111-1111-1111-111111111111" VersionGuid="11111111-1111-1111-1111-111111111112"
  xmlns="http://www.genicam.org/GenApi/Version_1_1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.genicam.org/GenApi/Version_1_1
                      http://www.genicam.org/GenApi/GenApiSchema_Version_1_1.xsd">"""


def _register(name: str, address: str, kind: str = "IntReg") -> str:
    sign = "<Sign>Unsigned</Sign>" if kind == "IntReg" else ""
    invalidators = "".join(f"<pInvalidator>{command}</pInvalidator>" for command in ("UserSetLoad",))
    return (
        f'<{kind} Name="{name}">{address}<Length>4</Length><AccessMode>RW</AccessMode><pPort>Device</pPort>'
        f"{invalidators}{sign}<Endianess>LittleEndian</Endianess></{kind}>"
    )


def _at(address: int) -> str:
    return f"<Address>{address:#x}</Address>"


def _size(name: str, offset: str, sensor: int) -> str:
    return f"""
<Integer Name="{name}"><pIsLocked>TLParamsLocked</pIsLocked><Streamable>Yes</Streamable>
  <pValue>{name}Reg</pValue><Min>16</Min><pMax>{name}Max</pMax><Inc>16</Inc></Integer>
<IntSwissKnife Name="{name}Max"><pVariable Name="TAKEN">{offset}Reg</pVariable>
  <Formula>{sensor} - TAKEN</Formula></IntSwissKnife>
<Integer Name="{offset}"><Streamable>Yes</Streamable>
  <pValue>{offset}Reg</pValue><Min>0</Min><pMax>{offset}Max</pMax><Inc>4</Inc></Integer>
<IntSwissKnife Name="{offset}Max"><pVariable Name="TAKEN">{name}Reg</pVariable>
  <Formula>{sensor} - TAKEN</Formula></IntSwissKnife>"""


def _choice(name: str, register: str, entries: tuple[str, ...], extra: str = "", after: str = "") -> str:
    listed = "".join(
        f'<EnumEntry Name="{entry}"><Value>{number}</Value></EnumEntry>'
        for number, entry in enumerate(entries)
    )
    return f'<Enumeration Name="{name}">{extra}{listed}<pValue>{register}</pValue>{after}</Enumeration>'


XML = "".join(
    (
        HEAD,
        """
<Category Name="Root"><pFeature>ImageFormatControl</pFeature><pFeature>AcquisitionControl</pFeature>
  <pFeature>AnalogControl</pFeature><pFeature>UserSetControl</pFeature></Category>
<Category Name="ImageFormatControl"><DisplayName>Image Format Control</DisplayName>
  <pFeature>Width</pFeature><pFeature>Height</pFeature><pFeature>OffsetX</pFeature>
  <pFeature>OffsetY</pFeature><pFeature>PixelFormat</pFeature></Category>
<Category Name="AcquisitionControl"><pFeature>ExposureAuto</pFeature><pFeature>ExposureTime</pFeature>
  </Category>
<Category Name="AnalogControl"><pFeature>BalanceRatioSelector</pFeature><pFeature>BalanceRatio</pFeature>
  <pFeature>SensorTemperature</pFeature><pFeature>Secret</pFeature></Category>
<Category Name="UserSetControl"><pFeature>UserSetSelector</pFeature><pFeature>UserSetLoad</pFeature>
  <pFeature>UserSetSave</pFeature></Category>
<Port Name="Device"/>""",
        _size("Width", "OffsetX", SENSOR_WIDTH),
        _size("Height", "OffsetY", SENSOR_HEIGHT),
        _choice(
            "PixelFormat",
            "FormatReg",
            ("Mono8", "Mono12"),
            "<pIsLocked>TLParamsLocked</pIsLocked><Streamable>Yes</Streamable>",
        ),
        _choice("ExposureAuto", "AutoReg", ("Off", "Continuous"), "<Streamable>Yes</Streamable>"),
        """
<Float Name="ExposureTime"><Description>How long
  the sensor sees light.</Description><pIsLocked>AutoReg</pIsLocked><Streamable>Yes</Streamable>
  <pValue>ExposureReg</pValue><Min>10</Min><Max>1e6</Max><Unit>us</Unit></Float>
<Float Name="SensorTemperature"><Visibility>Guru</Visibility><ImposedAccessMode>RO</ImposedAccessMode>
  <Value>41.5</Value><Unit>C</Unit></Float>
<Integer Name="Secret"><Visibility>Invisible</Visibility><Value>1</Value></Integer>""",
        _choice(
            "BalanceRatioSelector",
            "SelectorReg",
            ("Red", "Blue"),
            after="<pSelected>BalanceRatio</pSelected>",
        ),
        """
<Float Name="BalanceRatio"><Streamable>Yes</Streamable><pValue>BalanceReg</pValue><Min>0.25</Min>
  <Max>8</Max></Float>
<IntSwissKnife Name="BalanceAddress"><pVariable Name="WHICH">SelectorReg</pVariable>
  <Formula>0x20 + 4 * WHICH</Formula></IntSwissKnife>""",
        _choice("UserSetSelector", "SetReg", ("Default", "UserSet1")),
        f"""
<Command Name="UserSetLoad"><pIsLocked>TLParamsLocked</pIsLocked><pValue>LoadReg</pValue>
  <CommandValue>1</CommandValue></Command>
<Command Name="UserSetSave"><pValue>SaveReg</pValue><CommandValue>1</CommandValue></Command>
<IntReg Name="LoadReg">{_at(LOAD)}<Length>4</Length><AccessMode>RW</AccessMode><pPort>Device</pPort>
  <Cachable>NoCache</Cachable><Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>
<IntReg Name="SaveReg">{_at(SAVE)}<Length>4</Length><AccessMode>RW</AccessMode><pPort>Device</pPort>
  <Cachable>NoCache</Cachable><Sign>Unsigned</Sign><Endianess>LittleEndian</Endianess></IntReg>
<Integer Name="TLParamsLocked"><Visibility>Invisible</Visibility><pValue>LockedReg</pValue><Min>0</Min>
  <Max>1</Max></Integer>""",
        *(
            _register(name, _at(address))
            for name, address in (
                ("WidthReg", WIDTH),
                ("HeightReg", HEIGHT),
                ("OffsetXReg", OFFSET_X),
                ("OffsetYReg", OFFSET_Y),
                ("FormatReg", FORMAT),
                ("AutoReg", AUTO),
                ("SelectorReg", SELECTOR),
                ("LockedReg", LOCKED),
                ("SetReg", SET),
            )
        ),
        _register("ExposureReg", _at(EXPOSURE), "FloatReg"),
        _register("BalanceReg", "<pAddress>BalanceAddress</pAddress>", "FloatReg"),
        "</RegisterDescription>",
    )
)


class Registers(genapi.AbstractPort):  # type: ignore[misc]  # genicam has no types
    """Memory behind a description. Registers that nothing was written to hold `fill` in every byte.

    Attributes:
        reads: how often something was read.
    """

    def __init__(self, fill: int = 0) -> None:
        super().__init__()
        self._fill = fill
        self._bytes: dict[int, int] = {}
        self.reads = 0

    def is_open(self) -> bool:
        return True

    def get_access_mode(self) -> Any:
        return genapi.EAccessMode.RW

    def read(self, address: int, length: int) -> bytes:
        self.reads += 1
        return bytes(self._bytes.get(address + n, self._fill) for n in range(length))

    def write(self, address: int, value: bytes) -> None:
        for n, byte in enumerate(value):
            self._bytes[address + n] = byte


class PaperRegisters(Registers):
    """Registers that know their user sets: Default as after power-up, UserSet1 as last saved."""

    def __init__(self) -> None:
        super().__init__()
        for address, number in ((WIDTH, SENSOR_WIDTH), (HEIGHT, SENSOR_HEIGHT)):
            super().write(address, struct.pack("<I", number))
        for address, ratio in ((EXPOSURE, 5000.0), (BALANCE, 1.5), (BALANCE + 4, 2.0)):
            super().write(address, struct.pack("<f", ratio))
        self._sets = [self._picture(), self._picture()]

    def write(self, address: int, value: bytes) -> None:
        if address == LOAD:
            for place, byte in self._sets[self._chosen].items():
                self._bytes[place] = byte
        elif address == SAVE:
            self._sets[self._chosen] = self._picture()
        else:
            super().write(address, value)

    @property
    def _chosen(self) -> int:
        return int(struct.unpack("<I", self.read(SET, 4))[0])

    def _picture(self) -> dict[int, int]:
        return {place: self._bytes.get(place, 0) for place in PICTURE if not SELECTOR <= place < BALANCE}


class PaperCamera:
    """The camera, used like one of a rig."""

    def __init__(self) -> None:
        self.registers = PaperRegisters()
        self.node_map = connected(XML, self.registers)
        self.nodes = NodeSettings(self.node_map)

    def features(self) -> FeatureTree:
        return self.nodes.tree()

    def snapshot(self) -> Snapshot:
        return take_snapshot(self.nodes.tree, self.nodes.apply)

    def apply(self, name: str, value: SettingValue) -> SettingValue:
        return self.nodes.apply(name, value)

    def execute(self, name: str) -> None:
        self.nodes.execute(name)


def connected(description: str, port: Registers) -> Any:
    """Return a node map of a description on a port."""
    node_map = genapi.NodeMap()
    node_map.load_xml_from_string(description)
    node_map.connect(port, "Device")
    return node_map


def real_descriptions(shared: Path) -> list[Path]:
    """Return the descriptions of real cameras in the shared data."""
    return sorted((shared / "data" / "genicam_xml").glob("*.xml"))
