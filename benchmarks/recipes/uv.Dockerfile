# uv's multi-stage example. The benchmark does not time the build of the base image with uv.
# A cold build sets the argument, so that it starts with an empty cache mount.
FROM benchmark-base AS builder
ARG CACHE=benchmark
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_NO_DEV=1 UV_PYTHON_DOWNLOADS=0
WORKDIR /app
RUN --mount=type=cache,id=uv-$CACHE,target=/root/.cache/uv \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    uv sync --locked --no-install-project --no-editable
COPY . /app
RUN --mount=type=cache,id=uv-$CACHE,target=/root/.cache/uv uv sync --locked --no-editable

FROM python:3.14-slim
RUN groupadd --system --gid 999 nonroot \
 && useradd --system --gid 999 --uid 999 --create-home nonroot
COPY --from=builder --chown=nonroot:nonroot /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH
USER nonroot
WORKDIR /app
CMD ["hypermodern-python"]
