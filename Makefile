# make demo: everything once, from nothing, on a synthetic set. make test: ruff and pytest.

PYTHON ?= python3
PIP_FLAGS = --disable-pip-version-check --quiet
DEMO = --recipe recipes/demo.yaml

ifeq ($(OS),Windows_NT)
BIN = .venv/Scripts
else
BIN = .venv/bin
endif

.PHONY: demo test clean

demo: .venv/installed
	$(BIN)/python -m clips.synthetic --data data/demo
	$(BIN)/python prepare.py $(DEMO)
	$(BIN)/python finetune.py $(DEMO)
	$(BIN)/python extract.py $(DEMO)
	$(BIN)/python train_lstm.py $(DEMO)
	$(BIN)/python evaluate.py $(DEMO)
	$(BIN)/python run.py $(DEMO) --video data/demo/show.mp4 --no-window --csv reports/demo/show.csv --save reports/demo/show.mp4
	@echo
	@echo "The annotated video: reports/demo/show.mp4"
	@echo "The report:          reports/demo/ (metrics.json, predictions.csv, pictures)"

test: .venv/installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m pytest

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements-dev.txt
	@touch $@

clean:
	rm -rf .venv data/demo weights/demo reports/demo
