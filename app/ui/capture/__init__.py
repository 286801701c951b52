"""The Capture page: gates, ways of capturing, tags, notes and what was just saved, around live pictures."""
