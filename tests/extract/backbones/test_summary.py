"""Tables that `python -m extract.backbones` prints."""

import re

import pytest

from extract.architectures.building import build_core
from extract.architectures.layer_names import module_name
from extract.architectures.registry import BACKBONES, spec_of
from extract.backbones.__main__ import main
from extract.backbones.summary import backbone_table, input_of, layer_table
from video.errors import UsageError


def test_backbone_table_has_a_row_per_backbone():
    lines = backbone_table(BACKBONES.values()).splitlines()
    rows = {line.split()[0]: line for line in lines[1 : 1 + len(BACKBONES)]}
    assert list(rows) == list(BACKBONES)
    assert re.search(
        r"16 x 112 x 112 at 15/s +31\.51 M +40\.52 +512 +kinetics400", rows["r2plus1d_18"]
    )
    assert re.search(r"1 x 224 x 224 +14\.71 M +15\.35 +512 +imagenet", rows["vgg16"])
    assert "CC-BY-NC-4.0" in rows["videomae_base"]
    assert " - " in rows["tiny"]


def test_backbone_table_is_aligned():
    lines = backbone_table(BACKBONES.values()).splitlines()
    start = lines[0].index("license")
    for line in lines[1 : 1 + len(BACKBONES)]:
        assert line[start - 1] == " "
        assert line[start] != " "


def test_input_of_image_and_clip_networks():
    assert input_of(spec_of("tiny")) == "1 x 96 x 96"
    assert input_of(spec_of("x3d_s")) == "13 x 160 x 160 at 5/s"


@pytest.mark.parametrize("name", ["tiny", "x3d_xs"])
def test_layer_table_lists_layers_and_totals(name):
    spec = spec_of(name)
    table = layer_table(spec)
    for layer in build_core(spec).layers:
        if layer.weights:
            assert module_name(layer.name) in table
    assert f"{spec.parameters:,} trainable parameters" in table
    gflops = float(re.search(r"([0-9.]+) GFLOPs, ", table)[1])
    assert gflops == pytest.approx(spec.gflops, abs=0.006)
    assert f"Stages to freeze or train: {', '.join(spec.stages)}" in table


def test_layer_table_lists_the_classifier_of_a_clip_network():
    last = [line for line in layer_table(spec_of("x3d_xs")).splitlines() if "blocks.5.proj" in line]
    assert len(last) == 1
    assert last[0].startswith("classifier")
    assert "819,600" in last[0]  # 2048 x 400 and 400 biases


def test_command_prints_all_backbones_or_one(capsys):
    assert main([]) == 0
    assert "slowfast_r50" in capsys.readouterr().out
    assert main(["tiny"]) == 0
    assert "block5_conv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["x3d"], "did you mean x3d_"), (["--all"], "--help lists the flags")],
)
def test_wrong_command_fails_with_one_line(arguments, message):
    with pytest.raises(UsageError) as error:
        main(arguments)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
