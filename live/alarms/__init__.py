"""Decisions over time: from probabilities at steps to events with a start, a peak and an end."""
