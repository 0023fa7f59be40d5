"""Pixels to features: backbones, fine-tuning, the feature store."""
