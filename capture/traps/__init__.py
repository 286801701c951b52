"""Traps that people fell into with cameras: each a small function, with its evidence and its way out."""
