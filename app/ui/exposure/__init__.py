"""The exposure assistant: raw histograms, zebra, focus peaking, and matching one camera to the other."""
