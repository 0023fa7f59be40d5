"""Heads of the sequence model, which map the rows of a window to one vector.

To add a head, write a module with a function `head(rows, units, dropout)` from rows (B, L, F) to
vectors (B, U), and add it to `HEADS`. The classifier follows the head.
"""

from sequence.heads.bilstm_attention import bilstm_attention
from sequence.heads.gru import gru
from sequence.heads.lstm import lstm
from sequence.heads.mean import mean
from sequence.heads.statistics import statistics

HEADS = {
    "lstm": lstm,
    "gru": gru,
    "bilstm_attention": bilstm_attention,
    "mean": mean,
    "statistics": statistics,
}
