"""Heads: what looks along the window. A new one is a module with its function and one line here.

A head maps rows (B, L, F) to one vector a window (B, U); the classifier follows it.
"""

from sequence.heads.bilstm_attention import bilstm_attention
from sequence.heads.gru import gru
from sequence.heads.lstm import lstm
from sequence.heads.mean import mean

HEADS = {
    "lstm": lstm,
    "gru": gru,
    "bilstm_attention": bilstm_attention,
    "mean": mean,
}
