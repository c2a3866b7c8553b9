# Callcenter itself. Built in two steps, so that neither compilers nor npm are in what runs; exact versions with hashes.
FROM python:3.13-slim-trixie AS build
WORKDIR /src
RUN python -m venv /opt/callcenter
COPY requirements-run.lock requirements-node.lock ./
RUN /opt/callcenter/bin/pip install --no-cache-dir --require-hashes -r requirements-run.lock \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-run.lock -r requirements-node.lock
COPY . .
RUN PATH=/opt/build/bin:$PATH /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation -w /dist . \
 && /opt/callcenter/bin/pip install --no-cache-dir --no-deps /dist/callcenter-*.whl

FROM python:3.13-slim-trixie
# The numbers are fixed because volumes keep them: 10001 is the service, 10002 is Asterisk, whose recordings we read.
RUN groupadd --gid 10001 callcenter && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data callcenter \
 && groupadd --gid 10002 asterisk && usermod --append --groups asterisk callcenter \
 && install --directory --owner 10001 --group 10001 --mode 0750 /data \
 && install --directory --owner 10002 --group 10002 --mode 0750 /pbx-conf /recordings
COPY --from=build /opt/callcenter /opt/callcenter
ENV PATH=/opt/callcenter/bin:$PATH PYTHONUNBUFFERED=1 \
    CALLCENTER_DATA_DIR=/data CALLCENTER_HTTP_HOST=0.0.0.0 CALLCENTER_HTTP_PORT=8080 CALLCENTER_PUSH_PORT=8081
USER callcenter
WORKDIR /data
VOLUME /data
EXPOSE 8080 8081
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
CMD ["callcenter", "run"]
