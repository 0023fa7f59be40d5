"""Shared by both trainings: the Keras backend, optimizers, the history files, interruption."""
