"""Metrics: classification scores, calibration, bootstrap intervals. Imports no framework."""
