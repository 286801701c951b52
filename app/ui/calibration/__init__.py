"""The Calibration page: shots of a board, the solution and what it is worth, a look at the result."""
