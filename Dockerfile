# The production image: web server, worker and beat are the same image with different commands.

FROM python:3.13-slim AS base
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app


# Style sheet, fonts and scripts. Node comes from a locked wheel and stays in this stage.
FROM base AS assets
COPY requirements/ requirements/
COPY launcher/ launcher/
COPY package.json package-lock.json .npmrc ./
COPY portal/look/icons.json portal/look/icons.json
COPY assets/ assets/
RUN python3 -m launcher assets


# Python packages: wheels only, every file checked against its hash.
FROM base AS packages
COPY requirements/runtime.txt requirements/runtime.txt
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --only-binary :all: --require-hashes -r requirements/runtime.txt


FROM base AS product
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin venterom
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH \
    DJANGO_SETTINGS_MODULE=portal.settings \
    STATIC_ROOT=/app/collected
COPY . .
COPY --from=assets /app/static/vendor static/vendor
# The settings want every value; these stand only for this one command and open nothing.
RUN VENTEROM_ENV=production BASE_URL=https://build.invalid SECRET_KEY=only-while-building INDEX_KEY=only-while-building \
    FIELD_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    DATABASE_URL=postgresql://build@build.invalid/build REDIS_URL=redis://build.invalid/0 \
    python3 -m launcher.prepare compile_messages "collectstatic --noinput --verbosity=0"

USER venterom
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["python3", "-m", "launcher.healthcheck"]
CMD ["gunicorn", "portal.wsgi", "--bind=0.0.0.0:8000", "--workers=2", "--threads=4", "--no-control-socket", "--limit-request-line=8190", "--graceful-timeout=5"]
