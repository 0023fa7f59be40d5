"""Search of settings of the second stage: `train_lstm.py --search N`."""
