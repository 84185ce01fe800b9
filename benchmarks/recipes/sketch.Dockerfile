# The sketch that ours grew from: one stage with Poetry, two layers from two more.
FROM python:3.14-slim AS base
FROM base AS tools
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN pip install --no-compile poetry==2.5.1 poetry-plugin-export==1.10.1 \
 && python -m venv --without-pip /venv
WORKDIR /app

FROM tools AS dependencies
COPY pyproject.toml poetry.lock ./
RUN poetry export --output requirements.txt \
 && pip --python /venv install --no-compile --no-deps --requirement requirements.txt \
 && python -m compileall -q --invalidation-mode unchecked-hash /venv

FROM tools AS application
COPY . .
RUN poetry build --format wheel \
 && pip --python /venv install --no-compile --no-deps --no-index --root /layer dist/*.whl \
 && python -m compileall -q --invalidation-mode unchecked-hash /layer

FROM base
ENV PYTHONUNBUFFERED=1
COPY --from=dependencies /venv /venv
COPY --from=application /layer/venv /venv
USER 10001:10001
STOPSIGNAL SIGINT
ENTRYPOINT ["/venv/bin/hypermodern-python"]
