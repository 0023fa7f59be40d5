"""What a recipe leaves open is filled up by the backbone; what it says is taken."""

import pytest

from extract.backbones.defaults import ResolvedBackbone, resolve_backbone
from recipes.loader import load
from video.errors import UsageError
from video.preprocessing import Preprocessing
from video.sampling import Sampling


def resolved(backbone: str, **keys) -> ResolvedBackbone:
    flags = {key.replace("__", "."): value for key, value in keys.items()}
    return resolve_backbone(load(flags={"backbone.name": backbone, **flags}).recipe)


@pytest.mark.parametrize(
    ("backbone", "clip_length", "sampling", "preprocessing"),
    [
        ("vgg16", 1, Sampling(10.0, 1), Preprocessing(224, 224)),
        ("x3d_xs", 4, Sampling(2.5, 2), Preprocessing(160, 160, "crop", 182)),
        ("x3d_s", 13, Sampling(5.0, 6), Preprocessing(160, 160, "crop", 182)),
    ],
)
def test_a_recipe_that_says_nothing_means_what_the_backbone_was_made_for(
    backbone, clip_length, sampling, preprocessing
):
    chosen = resolved(backbone)
    assert chosen.clip_length == clip_length
    assert chosen.sampling == sampling
    assert chosen.preprocessing == preprocessing


def test_what_the_recipe_says_is_taken():
    keys = {"sampling__fps": "source", "sampling__stride": 3, "sampling__clip_length": 8}
    chosen = resolved("x3d_s", **keys, preprocessing__input_size=112, preprocessing__short_side=128)
    assert chosen.clip_length == 8
    assert chosen.sampling == Sampling(None, 3)
    assert chosen.preprocessing == Preprocessing(112, 112, "crop", 128)
    stretched = resolved("x3d_s", preprocessing__resize="stretch")
    assert stretched.preprocessing == Preprocessing(160, 160)


def test_the_stride_is_half_of_the_clip_that_the_recipe_asks_for():
    assert resolved("x3d_s", sampling__clip_length=8).sampling.stride == 4
    assert resolved("x3d_s", sampling__clip_length=1).sampling.stride == 1


def test_another_side_keeps_the_backbone_s_margin_and_an_image_network_the_usual_one():
    assert resolved("x3d_xs", preprocessing__input_size=80).preprocessing.short_side == 91
    cropped = resolved("inception_v3", preprocessing__resize="crop")
    assert cropped.preprocessing == Preprocessing(299, 299, "crop", 342)


def test_a_short_side_below_the_input_is_refused():
    with pytest.raises(UsageError, match=r"preprocessing\.short_side 100: .*at least 160"):
        resolved("x3d_xs", preprocessing__short_side=100)


@pytest.mark.parametrize("length", [2, 16])
def test_an_image_network_has_no_clip_length(length):
    with pytest.raises(UsageError, match=rf"sampling\.clip_length {length}: vgg16 sees single"):
        resolved("vgg16", sampling__clip_length=length)
    assert resolved("vgg16", sampling__clip_length=1).clip_length == 1


def test_batches_hold_about_as_many_frames_for_every_network():
    image, clips = resolved("vgg16"), resolved("x3d_s")
    assert (image.batch_size, clips.batch_size) == (32, 4)
    assert (image.clips_per_video, clips.clips_per_video) == (5, 1)
    own = {"finetune__batch_size": 7, "finetune__clips_per_video": "all"}
    chosen = resolved("x3d_s", **own)
    assert (chosen.batch_size, chosen.clips_per_video) == (7, "all")


@pytest.mark.parametrize(
    ("backbone", "weights", "name"),
    [
        ("vgg16", None, "imagenet"),
        ("x3d_s", None, "kinetics400"),
        ("tiny", None, "none"),
        ("vgg16", "none", "none"),
        ("x3d_s", "/home/me/x3d.weights.h5", "x3d.weights.h5"),
    ],
)
def test_the_record_names_the_weights_without_their_folder(backbone, weights, name):
    assert resolved(backbone, backbone__weights=weights).weights_name == name
