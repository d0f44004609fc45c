FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements/build.txt requirements/image.txt requirements/
RUN pip install --no-cache-dir --no-build-isolation --require-hashes -r requirements/build.txt \
    && pip wheel --no-cache-dir --no-build-isolation --use-pep517 --require-hashes -w /wheels -r requirements/image.txt
COPY pyproject.toml LICENSE README.md ./
COPY bridge bridge
# What builds stays in this stage.
RUN pip wheel --no-cache-dir --no-build-isolation --no-deps -w /wheels . \
    && python -m venv --without-pip /app/venv \
    && pip --python /app/venv/bin/python install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --home-dir /app --shell /usr/sbin/nologin bridge \
    && mkdir -p /app/db \
    && chown bridge: /app/db
COPY --from=build /app/venv /app/venv
ENV PATH=/app/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGE_CONFIG=/app/config.yaml \
    BRIDGE_DATABASE=/app/db/bridge.db \
    BRIDGE_LISTEN=0.0.0.0:9008
WORKDIR /app
# By number, so that a cluster can see that it is not root.
USER 10001
VOLUME /app/db
EXPOSE 9008
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 9008, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["vpp-bridge"]
CMD ["serve"]
