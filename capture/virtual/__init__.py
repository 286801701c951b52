"""The virtual rig: a room drawn live for two different sensors, with the truth known."""
