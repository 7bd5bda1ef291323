"""Checks of configuration: one check a file, each with its codes, over the model of the mesh."""
