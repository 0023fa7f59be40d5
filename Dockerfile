# Two images, both without rights inside:
#   docker build --tag lookback .                            everything; docs/service.md
#   docker build --target worker --tag lookback:worker .     extraction without TensorFlow; docs/scale.md
FROM python:3.12-slim-bookworm AS packages

RUN python -m venv /opt/lookback
ENV PATH=/opt/lookback/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1


FROM packages AS worker-packages

COPY requirements-worker.txt /tmp/
RUN pip install --requirement /tmp/requirements-worker.txt
COPY . /source
RUN pip install --no-deps /source


FROM packages AS full-packages

COPY requirements.txt /tmp/
RUN pip install --requirement /tmp/requirements.txt
COPY . /source
RUN pip install /source


FROM python:3.12-slim-bookworm AS base

# A user without rights. The number is fixed, so that volumes keep their owner.
RUN groupadd --gid 10001 lookback \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /lookback lookback \
    && install --directory --owner 10001 --group 10001 /lookback

ENV PATH=/opt/lookback/bin:$PATH \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

WORKDIR /lookback
# SIGTERM ends every command in order, with complete files.
STOPSIGNAL SIGTERM


# A task of a job array. The network must have been converted: lookback extract --network-only.
FROM base AS worker

COPY --from=worker-packages /opt/lookback /opt/lookback

USER 10001:10001
ENTRYPOINT ["lookback"]
CMD ["extract", "--shard", "auto"]


# All commands; watches cameras if it is told nothing else. The last stage is the default.
FROM base AS full

# OpenCV's wheel needs both, also without a window. Their versions are those of the base image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner 10001 --group 10001 \
        /lookback/data /lookback/weights /lookback/events

COPY --from=full-packages /opt/lookback /opt/lookback

USER 10001:10001
VOLUME ["/lookback/data", "/lookback/weights", "/lookback/events"]
EXPOSE 8000

# Docker shows the state; the program's own watchdog ends a container that hangs. Ten failures in a
# row: the first start converts the network, which takes minutes.
HEALTHCHECK --interval=30s --timeout=10s --retries=10 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]

ENTRYPOINT ["lookback"]
CMD ["run", "--cameras", "/config/cameras.yaml", "--serve", "0.0.0.0:8000", "--no-window"]
