"""Networks, losses, training, evaluation and the inference engine. Knows nothing of Qt and of cameras."""
