"""Second stage: windows of features, sequence models, training, prediction, evaluation, reports."""
