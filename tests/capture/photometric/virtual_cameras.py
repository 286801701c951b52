"""Flat targets before the virtual rig's sensors: response, vignetting, low-pass filter, noise and curve."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from capture.develop import develop
from capture.frames import Frame, Image, Layout, Role
from capture.photometric.checker import ACROSS, DOWN, reference_light
from capture.spec import VirtualSpec
from capture.virtual.geometry import rig_geometry
from capture.virtual.sensor import SENSORS, Look, blurred, encode, mosaic

SPEC = VirtualSpec(width=640, height=480)


def look_of(role: Role, bits: int = 12, gamma: float = 0.45, exposure: float = 1.0) -> Look:
    look = SENSORS[role].look
    return replace(look, bits=bits, gamma=gamma, exposure_us=look.exposure_us * exposure)


def shading(role: Role) -> np.ndarray:
    """Return what the sensor's vignetting leaves at every pixel, H×W."""
    rig = rig_geometry(SPEC)
    camera = rig.mono if role == "mono" else rig.color
    x, y = np.meshgrid(np.arange(SPEC.width), np.arange(SPEC.height))
    rays = camera.undistort(np.column_stack([x.ravel(), y.ravel()]).astype(float))
    return SENSORS[role].shading(rays.reshape(SPEC.height, SPEC.width, 2).astype(np.float32))


def photograph(
    radiance: np.ndarray, role: Role, look: Look, black: float = 0.0, seed: int = 0, *, shaded: bool = True
) -> Image:
    """Return the developed image of H×W×4 radiance (R, G, B, mono); `black` of full scale is added."""
    sensor = SENSORS[role]
    channels = radiance.astype(np.float32) @ sensor.response.T
    light = channels[..., 0]
    if role == "color":
        light = np.empty(radiance.shape[:2], np.float32)
        mosaic(blurred(channels, sensor), light)
    if shaded:
        light = light * shading(role)
    electrons = np.minimum(light * sensor.electrons * look.exposure_us, sensor.full_well)
    noise = np.random.default_rng(seed).standard_normal(light.shape)
    values = electrons + noise * np.sqrt(electrons + sensor.read_noise**2)
    values = values * 10 ** (look.gain_db / 20) / sensor.full_well
    if role == "color":
        values[0::2, 0::2] *= look.balance_red
        values[1::2, 1::2] *= look.balance_blue
    raw = encode((values + black).astype(np.float32), look)
    layout = Layout.MONO if role == "mono" else Layout.BAYER_RG
    return develop(Frame(role, raw, layout, look.bits, "", 0, 0, 0))


def white(level: float = 0.3) -> np.ndarray:
    """Return the radiance of an evenly lit white target that fills the view."""
    return np.full((SPEC.height, SPEC.width, 4), level, np.float32)


def chart(
    corners_px: np.ndarray, light: tuple[float, float, float] = (1, 1, 1), level: float = 0.55
) -> np.ndarray:
    """Return the radiance of a colour checker whose patches have their outer corners here."""
    cell, gap = 60, 4
    colors = np.column_stack([reference_light(), reference_light().mean(axis=1)])
    picture = np.full((DOWN * cell + 2 * cell, ACROSS * cell + 2 * cell, 4), 0.02, np.float32)
    for index, color in enumerate(colors):
        row, column = divmod(index, ACROSS)
        top, left = cell + row * cell, cell + column * cell
        picture[top + gap : top + cell - gap, left + gap : left + cell - gap] = color
    outline = np.array([[0, 0], [ACROSS, 0], [ACROSS, DOWN], [0, DOWN]], np.float32)
    inner = (outline + 1) * cell - np.float32(0.5)
    warp = cv2.getPerspectiveTransform(inner, corners_px.astype(np.float32))
    room = np.full((SPEC.height, SPEC.width, 4), 0.12, np.float32)
    cv2.warpPerspective(
        picture, warp, (SPEC.width, SPEC.height), room, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT
    )
    return np.asarray(room * np.array([*light, 1], np.float32) * level, np.float32)


CORNERS = np.array([[140, 120], [500, 135], [490, 370], [150, 360]], float)
