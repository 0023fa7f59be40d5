"""MQTT against mosquitto: discovery, states, the will, commands, and a broker that is restarted."""

import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from live.messages.mqtt import Mqtt
from live.messages.mqtt_settings import MqttSettings, load_mqtt_settings
from tests.live.messages.servers import bad_server, wait_for
from tests.live.servers import free_port
from video.errors import UsageError

BROKER = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
needs_broker = pytest.mark.skipif(BROKER is None, reason="mosquitto is not installed")


class Broker:
    """A mosquitto without a memory on disk.

    Attributes:
        port: Its port, the same after a restart.
    """

    def __init__(self, folder: Path, lines: str = "allow_anonymous true\n") -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(f"listener {self.port} 127.0.0.1\npersistence false\n{lines}")
        self._process: subprocess.Popen | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [BROKER, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Sees what a broker retains, like Home Assistant after its start."""

    def __init__(self, port: int) -> None:
        self.topics: dict[str, str] = {}
        self.client = paho.Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("#", 1)
        self.client.loop_start()

    def _on_message(self, client, data, message) -> None:
        self.topics[message.topic] = message.payload.decode()
        if not message.payload:  # the topic was deleted
            del self.topics[message.topic]

    def say(self, topic: str, payload: str, retain: bool = False) -> None:
        self.client.publish(topic, payload, 1, retain).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


@pytest.fixture
def listen() -> Iterator[Callable[[int], Listener]]:
    made: list[Listener] = []

    def begin(port: int) -> Listener:
        made.append(Listener(port))
        return made[-1]

    yield begin
    for each in made:
        each.close()


@pytest.fixture
def connect() -> Iterator[Callable[..., Mqtt]]:
    """Return a function that opens a connection with two cameras."""
    made: list[Mqtt] = []

    def begin(port: int, on_armed=lambda camera, armed: None, **settings) -> Mqtt:
        mqtt = Mqtt(MqttSettings("127.0.0.1", port, **settings), on_armed)
        mqtt.set_cameras({"hall": ["fall"], "Front door": ["fall", "fight"]})
        mqtt.start()
        made.append(mqtt)
        return mqtt

    yield begin
    for each in made:
        each.stop()


STATES = {
    "lookback/availability": "online",
    "lookback/hall/live": "ON",
    "lookback/hall/armed": "OFF",
    "lookback/hall/event/fall": "ON",
    "lookback/front_door_86ea9a8f/event/fight": "OFF",
}


def set_states(mqtt: Mqtt) -> None:
    mqtt.set_live("hall", True)
    mqtt.set_armed("hall", False)
    mqtt.set_event("hall", "fall", True)


def shows(listener: Listener, states: dict[str, str]) -> Callable[[], bool]:
    return lambda: states.items() <= listener.topics.items()


@needs_broker
@pytest.mark.live_servers
def test_discovery_and_states(broker, connect, listen):
    mqtt = connect(broker.port)
    wait_for(lambda: mqtt.connected)
    set_states(mqtt)
    listener = listen(broker.port)
    wait_for(shows(listener, STATES))
    configs = {k: json.loads(v) for k, v in listener.topics.items() if k.endswith("/config")}
    assert len(configs) == 7
    assert len({config["unique_id"] for config in configs.values()}) == 7
    for config in configs.values():
        assert config["state_topic"] in listener.topics
        assert config["availability_topic"] == "lookback/availability"
        assert len(config["device"]["identifiers"]) == 1
    fall = configs["homeassistant/binary_sensor/lookback_hall/event_fall/config"]
    assert (fall["name"], fall["device"]["name"]) == ("fall", "hall")


@needs_broker
@pytest.mark.live_servers
def test_states_are_right_after_a_restart_of_the_broker(broker, connect, listen):
    mqtt = connect(broker.port)
    wait_for(lambda: mqtt.connected)
    mqtt.set_event("hall", "fall", False)
    broker.stop()
    wait_for(lambda: not mqtt.connected)
    set_states(mqtt)
    broker.start()
    listener = listen(broker.port)
    wait_for(shows(listener, STATES), seconds=20)
    assert len([topic for topic in listener.topics if topic.endswith("/config")]) == 7
    mqtt.set_event("hall", "fall", False)
    wait_for(shows(listener, {"lookback/hall/event/fall": "OFF"}))


@needs_broker
@pytest.mark.live_servers
def test_a_broker_that_is_not_there_at_the_start(tmp_path, connect, listen, capsys):
    broker = Broker(tmp_path)
    broker.stop()
    mqtt = connect(broker.port)
    set_states(mqtt)
    wait_for(lambda: mqtt.trouble != "")
    try:
        broker.start()
        wait_for(lambda: mqtt.connected, seconds=20)
        wait_for(shows(listen(broker.port), STATES))
        assert mqtt.trouble == ""
        said = capsys.readouterr().out
        assert f"127.0.0.1:{broker.port}: no connection" in said
        assert "connected to" in said
    finally:
        broker.stop()


@needs_broker
@pytest.mark.live_servers
def test_the_will_and_the_end(broker, connect, listen):
    listener = listen(broker.port)
    cut = connect(broker.port)
    wait_for(shows(listener, {"lookback/availability": "online"}))
    cut._client.socket().shutdown(socket.SHUT_RDWR)  # as when the machine is switched off
    wait_for(lambda: not cut.connected)
    wait_for(shows(listener, {"lookback/availability": "offline"}))
    wait_for(shows(listener, {"lookback/availability": "online"}), seconds=20)
    began = time.monotonic()
    cut.stop()
    assert time.monotonic() - began < 3
    wait_for(shows(listener, {"lookback/availability": "offline"}))


@needs_broker
@pytest.mark.live_servers
def test_commands(broker, connect, listen, capsys):
    asked: list[tuple[str, bool]] = []

    def on_armed(camera: str, armed: bool) -> None:
        asked.append((camera, armed))
        if len(asked) == 1:
            raise RuntimeError("a fault of the caller")

    listener = listen(broker.port)
    listener.say("lookback/hall/armed/set", "OFF", retain=True)
    mqtt = connect(broker.port, on_armed)
    wait_for(lambda: mqtt.connected)
    listener.say("lookback/hall/armed/set", "OFF")
    listener.say("lookback/hall/armed/set", "nonsense")
    listener.say("lookback/front_door_86ea9a8f/armed/set", "on")
    wait_for(lambda: len(asked) == 2)
    assert asked == [("hall", False), ("Front door", True)]
    assert "a fault of the caller" in capsys.readouterr().out


@needs_broker
@pytest.mark.live_servers
def test_home_assistant_is_restarted(broker, connect, listen):
    mqtt = connect(broker.port)
    wait_for(lambda: mqtt.connected)
    listener = listen(broker.port)
    wait_for(lambda: "lookback/hall/live" in listener.topics)
    listener.topics.clear()
    listener.say("homeassistant/status", "online")
    wait_for(lambda: len([each for each in listener.topics if each.endswith("/config")]) == 7)


@needs_broker
@pytest.mark.live_servers
def test_a_class_that_is_gone_is_withdrawn(broker, connect, listen):
    mqtt = connect(broker.port)
    wait_for(lambda: mqtt.connected)
    set_states(mqtt)
    mqtt.set_cameras({"hall": ["fall", "run"]})
    listener = listen(broker.port)
    wait_for(shows(listener, {"lookback/hall/event/run": "OFF", "lookback/hall/event/fall": "ON"}))
    wait_for(lambda: not [topic for topic in listener.topics if "front_door" in topic])


@needs_broker
@pytest.mark.live_servers
def test_a_password_that_is_wrong(tmp_path, connect, capsys):
    broker = Broker(tmp_path, "allow_anonymous false\n")
    try:
        mqtt = connect(broker.port, user="ann", password="hunter2-secret")
        wait_for(lambda: mqtt.trouble == "not authorized")
        said = capsys.readouterr().out + " ".join(each.name for each in threading.enumerate())
        assert f"127.0.0.1:{broker.port}: not authorized" in said
        assert "hunter2" not in said
    finally:
        broker.stop()


def test_nothing_waits_for_a_broker_that_hangs(connect):
    with bad_server() as port:
        mqtt = connect(port)
        began = time.monotonic()
        set_states(mqtt)
        mqtt.stop()
        assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("port: 1883\n", "host is missing"),
        ("host: a\nprt: 1\n", "no key prt; did you mean port?"),
        ("host: a\nport: hunter2\n", "port should be a number"),
        ("host: a\nport: 70000\n", "port should be a number"),
        ("host: a\npassword: 123456\n", "password should be a text"),
        ("host: a\npassword: hunter2\n", "user is missing"),
        ("host: a\nuser: b\npassword: ${NOT_SET}\n", "password: the environment variable NOT_SET"),
        ("host: a\nprefix: /a/\n", "prefix should be"),
        ("host: a\ncertificate: none.pem\n", "certificate: there is no such file"),
    ],
)
def test_an_error_names_file_and_key(tmp_path: Path, text: str, part: str):
    path = tmp_path / "mqtt.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_mqtt_settings(path, {})
    assert str(path) in str(caught.value)
    assert part in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "123456" not in str(caught.value)


def test_settings(tmp_path: Path):
    path = tmp_path / "mqtt.yaml"
    path.write_text("host: broker\nuser: ann\npassword: ${PW}\ntls: true\nport: 8883\n")
    settings = load_mqtt_settings(path, {"PW": "p@$"})
    assert settings == MqttSettings("broker", 8883, "ann", "p@$", tls=True)
    assert "p@$" not in repr(settings)
