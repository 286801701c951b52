"""Capturing pairs worth training on: gates, modes, a session that outlives a crash. No Qt in here."""
