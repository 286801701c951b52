"""The page Inspect: pairs, what networks make of them, and why."""
