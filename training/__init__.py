"""Shared by both trainings: the loop, the Keras backend, optimizers, history files, Ctrl-C."""
