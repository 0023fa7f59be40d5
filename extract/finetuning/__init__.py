"""Fine-tuning: trains a backbone with a classifier on labeled clips."""
