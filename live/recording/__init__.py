"""Recordings of events: rings of the last seconds, files with pre-roll and post-roll."""
