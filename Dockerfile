# Lookback for watching cameras. docs/service.md tells how to build and run it.
FROM python:3.12-slim-bookworm AS build

COPY . /source
RUN python -m venv /opt/lookback \
    && /opt/lookback/bin/python -m pip install --no-cache-dir --disable-pip-version-check /source


FROM python:3.12-slim-bookworm

# OpenCV's wheel needs both, also without a window.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 lookback \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /lookback lookback \
    && mkdir -p /lookback/data /lookback/weights /lookback/events \
    && chown -R 10001:10001 /lookback

COPY --from=build /opt/lookback /opt/lookback

ENV PATH=/opt/lookback/bin:$PATH \
    HOME=/tmp \
    XDG_CACHE_HOME=/tmp/cache \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1

# A user without rights. The number is fixed, so that volumes keep their owner.
USER 10001:10001
WORKDIR /lookback
VOLUME ["/lookback/data", "/lookback/weights", "/lookback/events"]
EXPOSE 8000

# Docker shows the state; the program's own watchdog ends a container that hangs. Ten failures in a
# row: the first start converts the network, which takes minutes.
HEALTHCHECK --interval=30s --timeout=10s --retries=10 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=5)"]

# SIGTERM ends the program within seconds, and completes its files.
STOPSIGNAL SIGTERM
ENTRYPOINT ["lookback"]
CMD ["run", "--cameras", "/config/cameras.yaml", "--serve", "0.0.0.0:8000", "--no-window"]
