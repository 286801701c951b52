"""What needs both captured datasets and the rules of training: export, splits, scenes. No Qt."""
