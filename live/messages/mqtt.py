"""MQTT: states of cameras and events for home automation, with Home Assistant's discovery.

All states are retained, and all are published again with each connection, so that they are right
after the broker was restarted without its memory. The state of a topic is sent with quality of
service 0: a message that waited for a lost connection would arrive after newer ones.
"""

import json
import re
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from live.messages.mqtt_settings import MqttSettings
from video.console import logger

if TYPE_CHECKING:
    from paho.mqtt.client import Client

_LOG = logger(__name__)
KEEP_ALIVE_SECONDS = 30
LONGEST_DELAY = 60  # seconds between two attempts to connect
STOP_SECONDS = 2.0
ONLINE, OFFLINE = "online", "offline"


class Mqtt:
    """A connection to a broker that comes back. No method waits for the broker but `stop`.

    Topics, below the prefix: `availability` (online, offline), and for each camera `CAMERA/live`,
    `CAMERA/armed` (ON, OFF), `CAMERA/armed/set` (command) and `CAMERA/event/CLASS` (ON during one).
    """

    def __init__(
        self,
        settings: MqttSettings,
        on_armed: Callable[[str, bool], None] = lambda camera, armed: None,
    ) -> None:
        """Create a connection; `start` opens it.

        Args:
            settings: The broker.
            on_armed: Function that is called with a camera and whether it is to be armed. It is
                called on the thread of the connection.
        """
        self._settings = settings
        self._on_armed = on_armed
        self._lock = threading.RLock()
        self._retained: dict[str, str] = {}  # everything that the broker is to know
        self._gone: set[str] = set()  # what it is to forget
        self._commands: dict[str, str] = {}  # topic -> camera
        self._connected = False
        self._trouble = ""
        self._stopping = False
        self._client = self._make_client()

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection."""
        return self._connected

    @property
    def trouble(self) -> str:
        """Why there is no connection, in one line; empty if there is one."""
        return self._trouble

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._client.connect_async(self._settings.host, self._settings.port, KEEP_ALIVE_SECONDS)
        self._client.loop_start()

    def stop(self) -> None:
        """Publish that nothing watches any more, and disconnect within `STOP_SECONDS`."""
        self._stopping = True
        client = self._client
        if self._connected:
            with suppress(ValueError, RuntimeError):
                last = client.publish(self._topic("availability"), OFFLINE, 1, retain=True)
                last.wait_for_publish(STOP_SECONDS / 2)
        client.disconnect()
        # The thread may be waiting for a connection, and loop_stop waits for it without a limit.
        ending = threading.Thread(target=client.loop_stop, name="mqtt-end", daemon=True)
        ending.start()
        ending.join(STOP_SECONDS / 2)

    def set_cameras(self, cameras: Mapping[str, Sequence[str]]) -> None:
        """Announce cameras and their classes; those that are gone are withdrawn.

        Args:
            cameras: Classes of each camera by its name.
        """
        with self._lock:
            before = self._retained
            self._retained, self._commands = {}, {}
            for camera, labels in cameras.items():
                self._announce(camera, labels)
            for topic in self._retained:
                if topic in before and not topic.endswith("/config"):
                    self._retained[topic] = before[topic]
            self._gone = (self._gone | set(before)) - set(self._retained)
            self._subscribe()
            self._publish_all()

    def set_event(self, camera: str, label: str, is_open: bool) -> None:
        """Set whether a camera has an open event of a class."""
        self._set(f"{_slug(camera)}/event/{_slug(label)}", _on_off(is_open))

    def set_live(self, camera: str, live: bool) -> None:
        """Set whether a camera sends pictures."""
        self._set(f"{_slug(camera)}/live", _on_off(live))

    def set_armed(self, camera: str, armed: bool) -> None:
        """Set whether a camera is armed."""
        self._set(f"{_slug(camera)}/armed", _on_off(armed))

    def _announce(self, camera: str, labels: Sequence[str]) -> None:
        node = _slug(camera)
        self._entity("binary_sensor", camera, "live", "Live", device_class="connectivity")
        self._entity(
            "switch",
            camera,
            "armed",
            "Armed",
            command_topic=self._topic(f"{node}/armed/set"),
            icon="mdi:shield",
        )
        self._commands[self._topic(f"{node}/armed/set")] = camera
        for label in labels:
            item = f"event/{_slug(label)}"
            self._entity("binary_sensor", camera, item, label, icon="mdi:motion-sensor")

    def _entity(self, kind: str, camera: str, item: str, name: str, **more: str) -> None:
        node = f"{_slug(self._settings.prefix)}_{_slug(camera)}"
        state = self._topic(f"{_slug(camera)}/{item}")
        item_id = item.replace("/", "_")
        config: dict[str, Any] = {
            "name": name,
            "unique_id": f"{node}_{item_id}",
            "state_topic": state,
            "availability_topic": self._topic("availability"),
            "payload_on": "ON",
            "payload_off": "OFF",
            "device": {"identifiers": [node], "name": camera, "manufacturer": "Lookback"},
            "origin": {"name": "Lookback"},
            **more,
        }
        topic = f"{self._settings.discovery}/{kind}/{node}/{item_id}/config"
        self._retained[topic] = json.dumps(config, ensure_ascii=False)
        self._retained[state] = _on_off(item == "armed")

    def _topic(self, name: str) -> str:
        return f"{self._settings.prefix}/{name}"

    def _set(self, name: str, payload: str) -> None:
        topic = self._topic(name)
        with self._lock:
            if self._retained.get(topic) not in (None, payload):
                self._retained[topic] = payload
                self._publish(topic, payload)

    def _publish(self, topic: str, payload: str) -> None:
        if self._connected:
            self._client.publish(topic, payload, qos=0, retain=True)

    def _subscribe(self) -> None:
        if self._connected:
            topics = [*self._commands, f"{self._settings.discovery}/status"]
            self._client.subscribe([(topic, 1) for topic in topics])

    def _publish_all(self) -> None:
        with self._lock:
            self._publish(self._topic("availability"), ONLINE)
            for topic in self._gone:
                self._publish(topic, "")  # an empty retained message deletes the topic
            for topic, payload in self._retained.items():
                self._publish(topic, payload)

    def _make_client(self) -> "Client":
        import paho.mqtt.client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        settings = self._settings
        client = paho.Client(CallbackAPIVersion.VERSION2)
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        if settings.tls or settings.certificate:
            client.tls_set_context(ssl.create_default_context(cafile=settings.certificate))
        client.will_set(self._topic("availability"), OFFLINE, qos=1, retain=True)
        client.reconnect_delay_set(1, LONGEST_DELAY)
        client.connect_timeout = 5.0
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        if reason.is_failure:
            self._tell(str(reason).lower())
            return
        with self._lock:
            self._connected = True
            if self._trouble:
                _LOG.info("MQTT: connected to %s", self._broker())
            self._trouble = ""
            self._subscribe()
            self._publish_all()

    def _on_connect_fail(self, client: Any, data: Any) -> None:
        self._tell("no connection")

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        with self._lock:
            self._connected = False
        if not self._stopping and not self._trouble:
            self._tell("connection lost")

    def _on_message(self, client: Any, data: Any, message: Any) -> None:
        if message.topic == f"{self._settings.discovery}/status":
            if message.payload == ONLINE.encode():  # Home Assistant was restarted
                self._publish_all()
            return
        camera = self._commands.get(message.topic)
        wanted = message.payload.decode("utf-8", "replace").strip().upper()
        # A retained command would be repeated with each connection, long after it was given.
        if camera is None or message.retain or wanted not in ("ON", "OFF"):
            return
        try:
            self._on_armed(camera, wanted == "ON")
        except Exception as error:  # the connection must not end
            _LOG.warning("MQTT: %s: %s: %s", camera, type(error).__name__, error)

    def _broker(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _tell(self, reason: str) -> None:
        if reason != self._trouble:
            self._trouble = reason
            _LOG.warning("MQTT: %s: %s; tried again", self._broker(), reason)


def _on_off(on: bool) -> str:
    return "ON" if on else "OFF"


def _slug(name: str) -> str:
    """Return a name for topics; different names stay different.

    >>> _slug("hall"), _slug("Front door")
    ('hall', 'front_door_86ea9a8f')
    """
    slug = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return slug if slug == name else f"{slug}_{zlib.crc32(name.encode()):08x}".lstrip("_")
