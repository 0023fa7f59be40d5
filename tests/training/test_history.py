"""What training leaves: a row and a point an epoch, readable while it runs."""

import pytest

from tests.history_files import points_of, rows_of
from training.history import History


def test_every_epoch_is_a_row_and_a_point(tmp_path):
    path, logs = tmp_path / "new" / "history.csv", tmp_path / "new" / "logs"
    with History(path, logs) as history:
        for epoch in (1, 2, 3):
            history.write(epoch, {"loss": 1 / epoch, "val_accuracy": epoch / 4})
    rows = rows_of(path)
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert list(rows[0]) == ["epoch", "loss", "val_accuracy"]
    assert float(rows[2]["loss"]) == pytest.approx(1 / 3, rel=1e-5)
    points = points_of(logs)
    assert set(points) == {"loss", "val_accuracy"}
    assert [epoch for epoch, _ in points["loss"]] == [1, 2, 3]
    assert [value for _, value in points["val_accuracy"]] == [0.25, 0.5, 0.75]


def test_a_row_can_be_read_while_training_goes_on(tmp_path):
    with History(tmp_path / "history.csv", tmp_path / "logs") as history:
        history.write(1, {"loss": 0.5})
        assert rows_of(tmp_path / "history.csv") == [{"epoch": "1", "loss": "0.5"}]


def test_it_is_kept_where_training_breaks_off(tmp_path):
    def broken_off() -> None:
        with History(tmp_path / "history.csv", tmp_path / "logs") as history:
            history.write(1, {"loss": 0.5})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert len(rows_of(tmp_path / "history.csv")) == 1
    assert points_of(tmp_path / "logs") == {"loss": [(1, 0.5)]}


def test_a_new_run_replaces_the_table(tmp_path):
    for count in (3, 1):
        with History(tmp_path / "history.csv", tmp_path / "logs") as history:
            for epoch in range(count):
                history.write(epoch + 1, {"loss": 0.5})
    assert len(rows_of(tmp_path / "history.csv")) == 1


def test_a_resumed_run_keeps_the_rows_of_its_first_epochs(tmp_path):
    path, logs = tmp_path / "history.csv", tmp_path / "logs"
    with History(path, logs / "first") as history:
        for epoch in (1, 2, 3):
            history.write(epoch, {"loss": 1 / epoch, "rate": 0.5})
    before = rows_of(path)
    with History(path, logs / "second", kept=2) as history:
        assert rows_of(path) == before[:2]  # at once: a kill may come before the next row
        history.write(3, {"loss": 7.0, "rate": 0.25})
        assert rows_of(path) == [*before[:2], {"epoch": "3", "loss": "7", "rate": "0.25"}]


def test_the_epochs_are_there_for_the_caller_also_those_kept_of_a_run_before(tmp_path):
    with History(tmp_path / "history.csv", tmp_path / "logs") as history:
        for epoch in (1, 2):
            history.write(epoch, {"loss": 1 / 3})
    assert history.epochs == [{"epoch": 1, "loss": 1 / 3}, {"epoch": 2, "loss": 1 / 3}]
    with History(tmp_path / "history.csv", tmp_path / "logs", kept=1) as resumed:
        resumed.write(2, {"loss": 0.25})
    assert resumed.epochs == [{"epoch": 1, "loss": 0.333333}, {"epoch": 2, "loss": 0.25}]
