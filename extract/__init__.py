"""First stage: backbones, fine-tuning, inference engines and the feature store."""
