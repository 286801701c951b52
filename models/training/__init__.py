"""Training: objectives, loops and the `train` command."""
