"""How good a result is: predictions first; scores second, from the predictions' files; then tables."""
