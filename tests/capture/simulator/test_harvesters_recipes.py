"""The recipes of harvesters' own README and TUTORIAL, step by step, on the simulated cameras.

Nobody here wrote that client: what works with it is a GenTL producer.
"""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from genicam.genapi import EAccessMode
from genicam.gentl import ResourceInUseException, TimeoutException
from harvesters.core import Callback, DeviceInfo, Harvester, ParameterKey, ParameterSet
from harvesters.util.pfnc import mono_location_formats

from capture.simulator.rig import MONO_SERIAL, producer_path

PATIENCE_S = 20.0


def test_readme_session(simulator: Path) -> None:
    """README, "Harvester on IPython"."""
    h = Harvester()
    h.add_file(str(producer_path(simulator)))
    h.update()
    assert len(h.device_info_list) == 2
    assert "SIM-MONO" in str(h.device_info_list[0])
    ia = h.create(0)
    ia.remote_device.node_map.Width.value = 8
    ia.remote_device.node_map.Height.value = 8
    ia.remote_device.node_map.PixelFormat.value = "Mono8"
    ia.start()
    with ia.fetch() as buffer:
        component = buffer.payload.components[0]
        _1d = component.data
        assert _1d.shape == (64,)
        _2d = component.data.reshape(component.height, component.width)
        assert _2d.shape == (8, 8)
        assert _2d.min() <= np.average(_2d) <= _2d.max()
    ia.stop()
    ia.destroy()
    h.reset()


def test_loading_producers(simulator: Path) -> None:
    """TUTORIAL, "Loading GenTL Producers"."""
    path = str(producer_path(simulator))
    h = Harvester()
    h.add_file(path, check_existence=True, check_validity=True)
    assert h.files == [path]
    h.remove_file(path)
    assert h.files == []
    h.reset()


def test_enumerating_devices(harvester: Any) -> None:
    """TUTORIAL, "Enumerating Devices": every key that a device can be searched by has an answer."""
    for info in harvester.device_info_list:
        described = info.property_dict
        assert {key for key in DeviceInfo.search_keys if described.get(key) is None} == set()
    assert [info.serial_number for info in harvester.device_info_list] == ["SIM-MONO", "SIM-COLOR"]


def test_getting_ownership(harvester: Any) -> None:
    """TUTORIAL, "Getting Ownership of a Target Device"."""
    for search_key in (
        None,
        0,
        {"serial_number": MONO_SERIAL},
        {"vendor": "CycleRig", "model": "Simulated mono"},
    ):
        ia = harvester.create(search_key)
        assert ia.remote_device.node_map.DeviceSerialNumber.value == MONO_SERIAL
        ia.destroy()
    with pytest.raises(ValueError, match="multiple devices"):
        harvester.create({"vendor": "CycleRig", "tl_type": "Custom"})


def test_a_device_has_one_owner(harvester: Any, mono: Any) -> None:
    with pytest.raises(ResourceInUseException):
        harvester.create({"serial_number": MONO_SERIAL})


def test_acquiring_images(mono: Any) -> None:
    """TUTORIAL, "Acquiring images": with and without `with`, with a time-out, and trying."""
    ia = mono
    ia.start()
    with ia.fetch() as buffer:
        assert "160 x 120, Mono8" in str(buffer)
    buffer = ia.fetch()
    buffer.queue()
    buffer = ia.fetch(timeout=PATIENCE_S)
    buffer.queue()
    buffer = ia.try_fetch(timeout=PATIENCE_S)
    assert buffer
    buffer.queue()
    ia.stop()
    ia.stop()


def test_no_image_in_time(mono: Any) -> None:
    ia = mono
    ia.remote_device.node_map.TriggerMode.value = "On"
    ia.start()
    with pytest.raises(TimeoutException):
        ia.fetch(timeout=0.01)
    assert ia.try_fetch(timeout=0.01) is None
    ia.stop()


def test_closing_with_with(simulator: Path) -> None:
    """TUTORIAL, "Closing application"."""
    with Harvester() as h:
        h.add_file(str(producer_path(simulator)))
        h.update()
        with h.create(0) as ia:
            ia.start()
            with ia.fetch(timeout=PATIENCE_S):
                pass


def test_reshaping_an_array_as_an_image(mono: Any) -> None:
    """TUTORIAL, "Reshaping a NumPy Array as an Image"."""
    ia = mono
    ia.start()
    with ia.fetch(timeout=PATIENCE_S) as buffer:
        component = buffer.payload.components[0]
        assert component.data_format in mono_location_formats
        content = component.data.reshape(component.height, component.width)
        assert content.shape == (120, 160)
        assert int(component.num_components_per_pixel) == 1
        np.testing.assert_array_equal(component.represent_pixel_location(), content)
    ia.stop()


def test_manipulating_feature_nodes(mono: Any) -> None:
    """TUTORIAL, "Manipulating GenICam Feature Nodes": one node of each type."""
    node_map = mono.remote_device.node_map
    node_map.Width.value = 64
    assert node_map.Width.value == 64
    node_map.ExposureTime.value = 1234.5
    assert node_map.ExposureTime.value == 1234.5
    node_map.ChunkModeActive.value = True
    assert node_map.ChunkModeActive.value is True
    node_map.PixelFormat.value = "Mono12p"
    assert node_map.PixelFormat.value == "Mono12p"
    node_map.DeviceUserID.value = "left"
    assert node_map.DeviceUserID.value == "left"
    node_map.TimestampLatch.execute()
    assert node_map.TimestampLatchValue.value > 0
    assert {"Width", "ExposureTime", "TriggerSoftware", "ChunkTimestamp"} <= set(dir(node_map))


def test_software_trigger(mono: Any) -> None:
    ia = mono
    node_map = ia.remote_device.node_map
    node_map.TriggerSelector.value = "FrameStart"
    node_map.TriggerSource.value = "Software"
    node_map.TriggerMode.value = "On"
    ia.start()
    for expected in range(3):
        node_map.TriggerSoftware.execute()
        with ia.fetch(timeout=PATIENCE_S) as buffer:
            assert buffer.frame_id == expected
    assert ia.try_fetch(timeout=0.01) is None
    ia.stop()


def test_images_in_the_background_and_callbacks(mono: Any) -> None:
    """`start(run_as_thread=True)`, and a callback that fetches what has arrived."""

    class OnNewBuffer(Callback):  # type: ignore[misc]
        def __init__(self, acquirer: Any) -> None:
            self.acquirer = acquirer
            self.frame_ids: list[int] = []
            self.enough = Event()

        def emit(self, context: object = None) -> None:
            with self.acquirer.fetch(timeout=PATIENCE_S) as buffer:
                self.frame_ids.append(buffer.frame_id)
            if len(self.frame_ids) == 3:
                self.enough.set()

    ia = mono
    ia.remote_device.node_map.AcquisitionFrameRate.value = 100.0
    on_new_buffer = OnNewBuffer(ia)
    ia.add_callback(ia.Events.NEW_BUFFER_AVAILABLE, on_new_buffer)
    ia.start(run_as_thread=True)
    assert on_new_buffer.enough.wait(PATIENCE_S)
    ia.stop()
    assert on_new_buffer.frame_ids == sorted(on_new_buffer.frame_ids)


def test_node_callbacks(mono: Any) -> None:
    told: list[tuple[float, str]] = []
    token = mono.remote_device.register_node_callback(
        node_name="ExposureTime",
        callback=lambda node, context: told.append((node.value, context)),
        context="context",
    )
    mono.remote_device.node_map.ExposureTime.value = 777.0
    assert (777.0, "context") in told
    mono.remote_device.deregister_node_callback(token)


def test_chunk_data(mono: Any) -> None:
    """Chunks are attached by themselves as a buffer is fetched, or on demand."""
    ia = mono
    node_map = ia.remote_device.node_map
    node_map.ChunkModeActive.value = True
    node_map.ExposureTime.value = 321.0
    ia.start()
    for _ in range(3):
        with ia.fetch(timeout=PATIENCE_S) as buffer:
            assert node_map.ChunkFrameID.value == buffer.frame_id
            assert node_map.ChunkTimestamp.value == buffer.timestamp_ns
            assert node_map.ChunkExposureTime.value == 321.0
            assert node_map.ChunkPixelFormat.value == "Mono8"
            assert (node_map.ChunkWidth.value, node_map.ChunkHeight.value) == (160, 120)
            assert buffer.payload.components[0].data.size == 160 * 120
    ia.stop()


def test_chunk_data_on_demand_and_in_part(harvester: Any) -> None:
    config = ParameterSet({ParameterKey.ENABLE_AUTO_CHUNK_DATA_UPDATE: False})
    with harvester.create(0, config=config) as ia:
        node_map = ia.remote_device.node_map
        node_map.ChunkModeActive.value = True
        for entry in node_map.ChunkSelector.symbolics:
            node_map.ChunkSelector.value = entry
            node_map.ChunkEnable.value = entry in ("FrameID", "Gain")
        ia.start()
        with ia.fetch(timeout=PATIENCE_S) as buffer:
            buffer.update_chunk_data()
            assert node_map.ChunkFrameID.value == buffer.frame_id
            assert node_map.ChunkGain.value == 0.0
            assert len(buffer.module.chunk_data_info_list) == 2
            assert node_map.ChunkWidth.get_access_mode() == EAccessMode.NA
        ia.stop()


def test_frame_counts_of_the_acquisition_modes(mono: Any) -> None:
    ia = mono
    node_map = ia.remote_device.node_map
    for mode, count in (("SingleFrame", 1), ("MultiFrame", 3)):
        node_map.AcquisitionMode.value = mode
        node_map.AcquisitionFrameCount.value = 3
        ia.start()
        for _ in range(count):
            with ia.fetch(timeout=PATIENCE_S):
                pass
        assert ia.try_fetch(timeout=0.05) is None
        ia.stop()


def test_buffers_and_statistics(mono: Any) -> None:
    ia = mono
    assert ia.min_num_buffers == 1
    ia.num_buffers = 5
    ia.remote_device.node_map.AcquisitionMode.value = "MultiFrame"
    ia.remote_device.node_map.AcquisitionFrameCount.value = 4
    ia.start()
    for _ in range(4):
        with ia.fetch(timeout=PATIENCE_S):
            pass
    assert ia.data_streams[0].node_map.StreamAnnouncedBufferCount.value == 5
    assert ia.statistics.num_images == 4
    assert ia.statistics.fps == pytest.approx(15.0, rel=0.01)
    ia.stop()


def test_every_module_has_a_node_map(mono: Any) -> None:
    assert mono.system.node_map.TLType.value == "Custom"
    assert mono.interface.node_map.InterfaceID.value == "CycleRigBench"
    assert mono.device.node_map.DeviceSerialNumber.value == MONO_SERIAL
    assert mono.data_streams[0].node_map.StreamType.value == "Custom"
