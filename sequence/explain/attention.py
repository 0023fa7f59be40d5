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

import re
from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from extract.architectures.layer_names import module_name
from extract.architectures.spatial_maps import core_of, frontier_before, split_at
from extract.architectures.token_layers import Attention, AttentionRecord, recorded
from sequence.explain.grad_cam import spread
from training.gradients import gradients
from training.keras_backend import keras


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
        last = [_last_tokens(core)] if kind == "joint" else [core.output]
        borders = [frontier_before(core, first) for first in _first_operations(core)]
        self._begin = split_at(network, borders[0])
        self._end = split_at(network, last)
        pairs = zip(borders, [*borders[1:], last], strict=True)
        self._blocks = [keras.Model(into, out) for into, out in pairs]
        patches = next(each for each in core.layers if isinstance(each, keras.layers.Conv3D))
        self._grid = patches.output.shape[1:4]  # T', h, w

    def __call__(self, clip: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return how much each place of a clip matters to the score: float32 (T, h, w).

        The values of a clip add up to T times the length of `slope`.

        Args:
            clip: Input of the network: uint8 RGB (T, H, W, 3).
            slope: Gradient of the score with respect to the clip's feature: (D,).
        """
        states = [[_array(each) for each in self._begin.maps(clip)]]
        for block in self._blocks:
            states.append([_array(each) for each in _called(block, states[-1])])
        weights = slope.astype(np.float32)

        def score(*tensors):
            return keras.ops.sum(self._end.features(list(tensors)) * weights), []

        change = gradients(score, states[-1])[1]
        mixings = self._mixings(states, change)
        if self._kind == "joint":
            raised = (states[-1][0] * change[0]).sum(-1)[0]
            start = np.maximum(raised - raised.mean(), 0.0)
            places = roll_joint(start, mixings)
        else:
            places = roll_divided((self._grid[0], self._grid[1] * self._grid[2]), mixings)
        maps = spread(places.reshape(self._grid), len(clip))
        total = float(maps.sum()) or 1.0
        return maps * np.float32(len(clip) * np.linalg.norm(slope) / total)

    def _mixings(
        self, states: list[list[np.ndarray]], change: list[np.ndarray]
    ) -> Iterator[np.ndarray]:
        """Yield `mixing` of every attention layer, the last one first, with one block in memory.

        Args:
            states: What enters each block, and what leaves the last one.
            change: Gradient of the score with respect to what leaves the last block.
        """
        for block, state in zip(reversed(self._blocks), reversed(states[:-1]), strict=True):
            names = [each.name for each in block.layers if each.name in self._layers]
            called: list[str] = []

            count = len(state)

            def score(*tensors, block=block, count=count, names=names, above=change, to=called):
                record = AttentionRecord(dict(zip(names, tensors[count:], strict=True)))
                with recorded(record):
                    left = _called(block, list(tensors[:count]))
                to[:] = record.taken
                parts = [keras.ops.sum(a * b) for a, b in zip(left, above, strict=True)]
                return sum(parts), [each for name in to for each in record.taken[name]]

            shapes = [self._layers[name].output.shape[1:] for name in names]
            zeros = [np.zeros((1, *shape), np.float32) for shape in shapes]
            _, slopes, kept = gradients(score, [*state, *zeros])
            change = slopes[: len(state)]
            by_name = dict(zip(names, slopes[len(state) :], strict=True))
            for place, name in reversed(list(enumerate(called))):
                taken = kept[3 * place : 3 * place + 3]
                yield mixing(self._layers[name], *taken, by_name[name])


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


def _called(model: keras.Model, tensors: list) -> list:
    """Return the outputs of a model of one or more tensors, as a list."""
    return keras.tree.flatten(model(tensors if len(tensors) > 1 else tensors[0], training=False))


def _array(tensor) -> np.ndarray:
    array: np.ndarray = keras.ops.convert_to_numpy(tensor)
    return array


def _first_operations(core: keras.Model) -> list[keras.Operation]:
    """Return the first operation of each block, whose layers have names like x.layer.3.y."""
    first: dict[str, keras.Operation] = {}
    for operation in core.operations:
        block = re.search(r"\.encoder\.layer\.(\d+)\.", module_name(operation.name))
        if block:
            first.setdefault(block[1], operation)
    return list(first.values())


def _last_tokens(core: keras.Model) -> "keras.KerasTensor":
    """Return the tokens (B, N, C) that a network averages."""
    pooling = keras.layers.GlobalAveragePooling1D
    return next(each for each in core.layers if isinstance(each, pooling)).input
