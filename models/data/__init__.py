"""Pairs to train on: generated scenes, the sensor model they share, and real pair folders."""
