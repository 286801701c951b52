"""Cameras, pairing, calibration, rectification and the dataset on disk. Knows nothing of Qt, torch or the
networks.
"""
