"""Loader of training clips from videos: sampling, decoding, augmentation and batches."""
