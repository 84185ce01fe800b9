# The popular recipe: Poetry installs into the project's own environment, and the last stage
# copies it. The argument is for networks that have only a mirror of the package index.
FROM python:3.14-slim AS builder
ARG POETRY_PYPI_MIRROR_URL
RUN pip install poetry==2.5.1 ${POETRY_PYPI_MIRROR_URL:+poetry-plugin-pypi-mirror}
ENV POETRY_CACHE_DIR=/tmp/cache POETRY_NO_INTERACTION=1 \
    POETRY_VIRTUALENVS_CREATE=1 POETRY_VIRTUALENVS_IN_PROJECT=1
WORKDIR /app
COPY pyproject.toml poetry.lock ./
RUN poetry install --only main --no-root && rm -rf /tmp/cache
COPY . .
RUN poetry install --only-root

FROM python:3.14-slim
ENV PATH=/app/.venv/bin:$PATH VIRTUAL_ENV=/app/.venv
WORKDIR /app
COPY --from=builder /app /app
ENTRYPOINT ["hypermodern-python"]
