"""Watching cameras for weeks: cameras, decisions, recordings, messages and the page together."""
