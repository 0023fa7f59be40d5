"""Loading clips from videos for training: sampling, decoding, augmentation, batches."""
