"""Black level, flat field, white balance and colours of both cameras: measured, kept, applied."""
