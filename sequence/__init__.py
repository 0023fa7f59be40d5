"""Features to probabilities: windows, models, training, prediction, metrics, reports."""
