# Catena: every component of the installation, told apart by its command.
# Images are pinned by version; pin the digest of the one that you pulled where your policy asks for it.
FROM python:3.11.14-slim-bookworm AS build

WORKDIR /opt/catena
COPY requirements/bootstrap.lock requirements/production.lock requirements/
# Hash by hash what was tested, bytecode compiled: without it imports take twice as long in each process.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/bootstrap.lock \
    && /opt/venv/bin/uv pip install --python /opt/venv/bin/python --no-cache --require-hashes --compile-bytecode \
        -r requirements/production.lock
COPY pyproject.toml README.md environments.toml ./
COPY include include
COPY plugins plugins
COPY dags dags
RUN /opt/venv/bin/uv pip install --python /opt/venv/bin/python --no-cache --no-deps --no-build-isolation \
        --compile-bytecode --editable . \
    && python -m compileall -q include plugins dags

FROM python:3.11.14-slim-bookworm

RUN groupadd --gid 10001 catena \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/catena --shell /usr/sbin/nologin catena \
    && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/catena
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/catena /opt/catena
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CATENA_HOME=/var/lib/catena
WORKDIR /var/lib/catena
USER 10001:10001
VOLUME /var/lib/catena
CMD ["python", "-m", "catena.platform.deployment"]
