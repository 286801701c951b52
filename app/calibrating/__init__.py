"""What the Calibration page does, without Qt: shots and their folder, the search for boards, ranges."""
