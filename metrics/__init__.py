"""Scores of predictions: classification metrics, calibration, bootstrap intervals. No framework."""
