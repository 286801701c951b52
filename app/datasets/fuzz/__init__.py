"""Hostile datasets by the hundred thousand: mutations of a real one, and what must hold whatever they are."""
