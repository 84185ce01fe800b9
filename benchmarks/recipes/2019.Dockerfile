# The recipe of 2019: Poetry exports the dependencies, pip installs them into a virtual
# environment, and the last stage copies it.
FROM python:3.14-slim AS builder
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN pip install poetry==2.5.1 poetry-plugin-export==1.10.1
RUN python -m venv /venv
COPY pyproject.toml poetry.lock ./
RUN poetry export | /venv/bin/pip install -r /dev/stdin
COPY . .
RUN poetry build && /venv/bin/pip install dist/*.whl

FROM python:3.14-slim
ENV PATH=/venv/bin:$PATH
COPY --from=builder /venv /venv
CMD ["hypermodern-python"]
