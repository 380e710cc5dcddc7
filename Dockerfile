# SPDX-License-Identifier: Apache-2.0
# The verification API. Runs as a user without rights, on a read-only root: what it writes goes to /var/lib/waarmerk (kept)
# and /tmp (uploads, gone with the container). docs/operating.md says how to run it; compose.yaml runs it with PostgreSQL.
#
# The wheels of the extras video and heic carry GPL encoders: whoever passes an image with them on owes what the GPL asks.
# Without them: docker build --build-arg EXTRAS=api,index,net,pdf,postgres,second-opinion .
ARG BASE=debian:bookworm-slim

# pdqhash comes as source alone, hence the compiler; it stays behind in this stage.
FROM ${BASE} AS build
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates g++ python3-dev python3-venv
WORKDIR /src
ARG EXTRAS=all
ENV PIP_CONSTRAINT=/src/constraints.txt
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY provenance provenance
COPY watermark watermark
COPY api api
COPY cli cli
RUN python3 -m venv /opt/waarmerk \
    && /opt/waarmerk/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: --no-binary waarmerk,pdqhash \
        ".[${EXTRAS}]" \
    && /opt/waarmerk/bin/pip uninstall --yes --quiet setuptools pip \
    && python3 -m compileall -q /opt/waarmerk

FROM ${BASE}
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && useradd --system --uid 10001 --user-group --no-create-home --home-dir /var/lib/waarmerk --shell /usr/sbin/nologin waarmerk \
    && install --directory --mode 0700 --owner waarmerk --group waarmerk /var/lib/waarmerk
COPY --from=build /opt/waarmerk /opt/waarmerk
ENV PATH=/opt/waarmerk/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/var/lib/waarmerk \
    XDG_DATA_HOME=/var/lib
USER 10001:10001
WORKDIR /var/lib/waarmerk
VOLUME /var/lib/waarmerk
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["waarmerk"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
