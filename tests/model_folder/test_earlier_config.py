"""model.yaml of an earlier version is read."""

import yaml

from model_folder.config import CONFIG, read_config
from tests.extract.projecting import full_config


def test_a_config_whose_stride_is_called_hop_is_read(tmp_path):
    content = full_config().model_dump(mode="json")
    sampling = content["sampling"]
    content["sampling"] = {"fps": sampling["fps"], "hop": sampling["stride"]}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (tmp_path / CONFIG).write_text(text, encoding="utf-8")
    assert read_config(tmp_path) == full_config()
    assert read_config(tmp_path).sampling.stride == 4


def test_a_config_from_before_the_poolings_pools_by_the_mean(tmp_path):
    content = full_config().model_dump(mode="json")
    assert content["sequence"].pop("pooling") == "mean"
    assert content["sequence"].pop("events") == []
    (tmp_path / CONFIG).write_text(yaml.safe_dump(content))
    assert read_config(tmp_path) == full_config()
