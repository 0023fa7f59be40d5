"""Cameras: their configuration, and readers that reconnect."""
