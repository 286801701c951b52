"""What camera makers' libraries raise, through GenApi and through GenTL: caught here, never passed on."""

from __future__ import annotations

from genicam import genapi, gentl

VENDOR_ERRORS = (gentl.GenericException, genapi.GenericException)
"""A node may raise either: reading it asks a register, and the port below it raises GenTL's own."""
