"""The model folder that both stages share: model.yaml, weights files, provenance of clips."""
