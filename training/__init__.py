"""Code shared by both training stages: loop, Keras backend, optimizers, history files, Ctrl-C."""
