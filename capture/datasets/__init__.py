"""What can be done with whole datasets on disk: check, mend, describe, combine, take in."""
