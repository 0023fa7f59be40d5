"""Architectures: graphs of networks with random weights. No files, no downloads."""
