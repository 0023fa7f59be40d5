"""Numbers of the running program in the format of Prometheus."""

import re
import time
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from live.hub import CameraStatus, Hub

_STATES = ("connecting", "live", "stalled", "lost")


class HubCollector(Collector):
    """Reads the hub when the metrics are asked for.

    Args:
        hub: The cameras.
        viewers: Returns the number of viewers.
    """

    def __init__(self, hub: Hub, viewers: Callable[[], int]) -> None:
        self._hub, self._viewers = hub, viewers

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics. The only label of a camera is its name."""
        yield _gauge("uptime_seconds", "Time since the start", time.monotonic() - self._hub.started)
        yield _gauge("viewers", "Viewers of the page", self._viewers())
        statuses = self._hub.statuses()
        states = GaugeMetricFamily(
            "lookback_camera_state", "1 for the state of the camera", labels=["camera", "state"]
        )
        for status in statuses:
            for state in _STATES:
                states.add_metric([status.name, state], float(state == status.state))
        yield states
        yield from self._per_camera(statuses)
        for name, value in sorted(dict(self._hub.counters).items()):
            counter = CounterMetricFamily(
                "lookback_" + re.sub(r"\W", "_", name), f"Total of {name.replace('_', ' ')}"
            )
            counter.add_metric([], value)
            yield counter

    def _per_camera(self, statuses: list[CameraStatus]) -> Iterator[Metric]:
        now = time.monotonic()
        for name, text in (
            ("frames", "Frames read"),
            ("steps", "Decisions"),
            ("skipped", "Steps that were not computed in time"),
            ("session", "Connections"),
        ):
            metric = "connections" if name == "session" else name
            counter = CounterMetricFamily(f"lookback_camera_{metric}", text, labels=["camera"])
            for status in statuses:
                counter.add_metric([status.name], getattr(status, name))
            yield counter
        armed = GaugeMetricFamily("lookback_camera_armed", "1 if armed", labels=["camera"])
        age = GaugeMetricFamily(
            "lookback_camera_picture_age_seconds", "Age of the newest frame", labels=["camera"]
        )
        events = GaugeMetricFamily("lookback_camera_open_events", "Open events", labels=["camera"])
        for status in statuses:
            armed.add_metric([status.name], float(status.armed))
            events.add_metric([status.name], len(status.open_events))
            if (picture := self._hub.picture(status.id)) is not None:
                age.add_metric([status.name], now - picture.arrived)
        yield from (armed, age, events)


def make_metrics(hub: Hub, viewers: Callable[[], int]) -> Callable[[], bytes]:
    """Return a function that returns the metrics as text, from a registry of their own."""
    registry = CollectorRegistry()
    registry.register(HubCollector(hub, viewers))
    return lambda: generate_latest(registry)


def _gauge(name: str, text: str, value: float) -> Metric:
    gauge = GaugeMetricFamily(f"lookback_{name}", text)
    gauge.add_metric([], value)
    return gauge
