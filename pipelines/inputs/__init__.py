"""Inputs: finding files, telling what they are, and reading them in bounded pieces. Pure Python, no Beam, no lake."""
