"""Attention maps of the video transformers: gradient-weighted attention rollout.

Papers: Abnar and Zuidema 2020, Quantifying Attention Flow in Transformers (rollout); Chefer, Gur
and Wolf 2021, Generic Attention-model Explainability (the weights of attention times their
gradients, positive parts, as the mean over heads).

Rollout follows the tokens that the score is read from back through the blocks. In each, half of the
relevance stays at its token, as in the skip connection, and half goes to the tokens that it attends
to: r becomes (r + r A) / 2. In plain rollout the rows of A are the mean of the heads' attention,
and the map is the same for every class. Here A are the weights times their gradients, so that the
map belongs to a class. They are divided by the largest sum of a row in the block, which keeps
unequal rows unequal; plain attention, whose rows sum to 1, stays as it is.

VideoMAE averages its tokens, so rollout begins with how much each last token raises the score more
than the mean token: the positive part of gradient times token, less its mean. What all tokens share
has no place. TimeSformer reads its class token. In its blocks each place
attends over time, and then each frame over its places and a copy of the class token; so relevance
goes back through the frames, where each copy of the class token has an equal share of its
relevance, and then through time.
"""

from collections.abc import Iterable
from typing import Literal

import numpy as np

from extract.architectures.spatial_maps import core_of, split_at
from extract.architectures.transformer_layers import Attention, AttentionRecord, recorded
from sequence.explain.grad_cam import spread
from training.gradients import gradients
from training.keras_backend import keras

# Query, key, value and the gradient of the output of an attention layer.
Taken = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class AttentionMaps:
    """Maps of clips for one transformer."""

    method = "attention rollout"
    pathways = 1

    def __init__(self, network: keras.Model, kind: Literal["joint", "divided"]) -> None:
        """Find the attention layers.

        Args:
            network: Network from uint8 clips (B, T, H, W, 3) to features (B, D).
            kind: Which tokens attend to each other; see `BackboneSpec.attention`.
        """
        core = core_of(network)
        self._kind = kind
        self._layers = {each.name: each for each in core.layers if isinstance(each, Attention)}
        self._split = split_at(network, [_last_tokens(core)] if kind == "joint" else [core.output])
        patches = next(each for each in core.layers if isinstance(each, keras.layers.Conv3D))
        self._grid = patches.output.shape[1:4]  # T', h, w

    def __call__(self, clip: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return how much each place of a clip matters to the score: float32 (T, h, w).

        The values of a clip add up to T times the length of `slope`.

        Args:
            clip: Input of the network: uint8 RGB (T, H, W, 3).
            slope: Gradient of the score with respect to the clip's feature: (D,).
        """
        last, last_slope, taken = self._taken(clip, slope)
        blocks = [(self._layers[name], each) for name, each in reversed(taken.items())]
        mixings = (mixing(layer, *each) for layer, each in blocks)
        if self._kind == "joint":
            raised = (last * last_slope).sum(-1)[0]
            start = np.maximum(raised - raised.mean(), 0.0)
            places = roll_joint(start, mixings)
        else:
            places = roll_divided((self._grid[0], self._grid[1] * self._grid[2]), mixings)
        maps = spread(places.reshape(self._grid), len(clip))
        total = float(maps.sum()) or 1.0
        return maps * np.float32(len(clip) * np.linalg.norm(slope) / total)

    def _taken(
        self, clip: np.ndarray, slope: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, dict[str, Taken]]:
        """Return the last tensor before the pooling, its gradient, and the attention layers."""
        names, weights = list(self._layers), slope.astype(np.float32)
        called: list[str] = []

        def score(added, *offsets):
            record = AttentionRecord(dict(zip(names, offsets, strict=True)))
            with recorded(record):
                last = self._split.maps(clip)[0]
            called[:] = record.taken
            features = self._split.features([last + added])
            kept = [last, *(each for name in called for each in record.taken[name])]
            return keras.ops.sum(features * weights), kept

        shapes = [self._layers[name].output.shape[1:] for name in names]
        shapes.insert(0, self._split.back.inputs[0].shape[1:])
        zeros = [np.zeros((1, *shape), np.float32) for shape in shapes]
        _, slopes, kept = gradients(score, zeros)
        by_name = dict(zip(names, slopes[1:], strict=True))
        taken = {
            name: (*kept[1 + 3 * place : 4 + 3 * place], by_name[name])
            for place, name in enumerate(called)
        }
        return kept[0], slopes[0], taken


def mixing(
    layer: Attention, query: np.ndarray, key: np.ndarray, value: np.ndarray, slope: np.ndarray
) -> np.ndarray:
    """Return how an attention layer moves relevance: its weights times their gradients.

    Args:
        layer: Attention layer.
        query, key, value: What it took: (1, ..., C).
        slope: Gradient of the score with respect to its output: (1, ..., C).

    Returns:
        Positive parts as the mean over heads, divided by the largest sum of a row: float32
        (..., N, N), with the axis of the N tokens at the end and the other axes before it.
    """
    parts = [np.moveaxis(each[0], layer.axis - 1, -2) for each in (query, key, value, slope)]
    size = query.shape[-1] // layer.heads
    total: np.ndarray | None = None
    for head in range(layer.heads):  # one head at a time: a head of VideoMAE has 10 MB of weights
        own = slice(head * size, (head + 1) * size)
        asked, known, content, change = (each[..., own] for each in parts)
        weights = _softmax(asked @ np.swapaxes(known, -1, -2) * np.float32(size**-0.5))
        weights *= change @ np.swapaxes(content, -1, -2)  # the gradient of the weights
        positive = np.maximum(weights, 0.0, out=weights)
        total = positive if total is None else np.add(total, positive, out=total)
    assert total is not None
    largest = float(total.sum(-1).max())
    return total / np.float32(largest) if largest > 0 else total


def roll_joint(start: np.ndarray, mixings: Iterable[np.ndarray]) -> np.ndarray:
    """Return the relevance of the tokens at the input of a network with joint attention: (N,).

    Args:
        start: Relevance of its last tokens: (N,).
        mixings: Matrix (N, N) of each block, the last block first; see `mixing`.

    >>> roll_joint(np.array([1.0, 0.0]), [np.array([[0.0, 1.0], [0.0, 1.0]])]).tolist()
    [0.5, 0.5]
    """
    relevance = start
    for matrix in mixings:
        relevance = (relevance + relevance @ matrix) / 2
    return relevance


def roll_divided(shape: tuple[int, int], mixings: Iterable[np.ndarray]) -> np.ndarray:
    """Return the relevance of the tokens at the input of a network with divided attention: (T, S).

    Args:
        shape: T instants and S places.
        mixings: Of each block, the last block first: over space (T, 1 + S, 1 + S), the class token
            first, then over time (S, T, T).
    """
    token, places, instants = 1.0, np.zeros(shape, np.float32), shape[0]
    each = iter(mixings)
    for space, time in zip(each, each, strict=True):
        copies = np.full((instants, 1), token / instants, np.float32)
        rows = np.concatenate([copies, places], axis=1)  # (T, 1 + S)
        rows = (rows + np.einsum("tq,tqk->tk", rows, space)) / 2
        token, places = float(rows[:, 0].sum()), rows[:, 1:]
        places = (places + np.einsum("qs,sqk->ks", places, time)) / 2
    return places


def _softmax(scores: np.ndarray) -> np.ndarray:
    scores -= scores.max(-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(-1, keepdims=True)
    return scores


def _last_tokens(core: keras.Model) -> "keras.KerasTensor":
    """Return the tokens (B, N, C) that a network averages."""
    pooling = keras.layers.GlobalAveragePooling1D
    return next(each for each in core.layers if isinstance(each, pooling)).input
