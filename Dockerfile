# syntax=docker/dockerfile:1
# The image of web processes, worker and commands alike: `docker build -t avenue .`
# It runs as nobody in particular, over a root that may be read-only; AVENUE_TMP_DIR alone is written.
# `make images` names it by digest.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# Only what the hash lists name, and nothing that would have to be compiled.
COPY requirements.txt ./
RUN python -m venv /opt/avenue \
 && /opt/avenue/bin/pip install --require-hashes --only-binary :all: -r requirements.txt

# `make assets`; Node stays behind in this stage.
COPY requirements-node.txt package.json package-lock.json .npmrc ./
RUN python -m venv node \
 && node/bin/pip install --require-hashes --only-binary :all: -r requirements-node.txt \
 && PATH="$PWD/node/bin:$PATH" npm ci --omit=dev --no-fund --no-audit --loglevel=error

COPY avenue /srv/avenue/avenue
COPY wsgi.py gunicorn.conf.py /srv/avenue/
RUN mkdir -p /srv/avenue/avenue/static/vendor/fonts \
 && cp node_modules/sortablejs/modular/sortable.esm.js /srv/avenue/avenue/static/vendor/ \
 && cp node_modules/fflate/esm/browser.js /srv/avenue/avenue/static/vendor/fflate.esm.js \
 && cp node_modules/tus-js-client/dist/tus.min.js /srv/avenue/avenue/static/vendor/ \
 && cp node_modules/grapesjs/dist/grapes.min.js /srv/avenue/avenue/static/vendor/ \
 && cp node_modules/grapesjs/dist/css/grapes.min.css /srv/avenue/avenue/static/vendor/ \
 && cp node_modules/grapesjs/locale/es.mjs /srv/avenue/avenue/static/vendor/grapes.es.js \
 && for font in figtree inter source-serif-4; do \
      cp node_modules/@fontsource-variable/$font/files/$font-latin*-wght-normal.woff2 /srv/avenue/avenue/static/vendor/fonts/ && \
      cp node_modules/@fontsource-variable/$font/LICENSE /srv/avenue/avenue/static/vendor/fonts/$font-LICENSE.txt || exit 1; done \
 && /opt/avenue/bin/python -m compileall -q /srv/avenue \
 && /opt/avenue/bin/pip uninstall --yes --quiet pip setuptools

FROM ${BASE}
LABEL org.opencontainers.image.title="Avenue" \
      org.opencontainers.image.version="1.0.0" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV PATH=/opt/avenue/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    AVENUE_TMP_DIR=/var/spool/avenue
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin avenue \
 && install -d -o avenue -g avenue -m 0700 "$AVENUE_TMP_DIR"
COPY --from=build /opt/avenue /opt/avenue
COPY --from=build /srv/avenue /srv/avenue
WORKDIR /srv/avenue
USER 10001:10001
EXPOSE 8000
# Alive, not ready: a database that is away is no reason to start a process anew.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT', 8000)), timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
