# confgen: the companion container beside nginx or HAProxy.
#
# BASE may be any image with Python 3.11 or later and pip.  Wheels in a folder wheels/ of the build context are used
# instead of the network: docker build --build-arg PIP_ARGS=--no-index (that is what `make image` does).
ARG BASE=python:3.13-slim
FROM ${BASE}
ARG PIP_ARGS=
COPY pyproject.toml README.md LICENSE wheel[s] /tmp/confgen/wheels/
COPY pyproject.toml README.md LICENSE /tmp/confgen/source/
COPY confgen /tmp/confgen/source/confgen
COPY templates /tmp/confgen/source/templates
RUN pip install --no-cache-dir --root-user-action=ignore --disable-pip-version-check \
        --find-links=/tmp/confgen/wheels ${PIP_ARGS} /tmp/confgen/source \
 && rm -rf /tmp/confgen \
    # A new named volume takes over owner and mode of the folder that it is first mounted on:
    # /confgen is for a proxy whose master is root (nginx); /var/lib/haproxy is for the haproxy image, whose user is 99.
 && mkdir -p -m 2775 /confgen /var/lib/haproxy \
 && chown 65532:65532 /confgen \
 && chown 99:99 /var/lib/haproxy \
 && chmod 2775 /confgen /var/lib/haproxy
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
STOPSIGNAL SIGTERM
# Whether the last look is fresh and every proxy serves what it should; reads one small file.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["confgen", "health"]
ENTRYPOINT ["confgen"]
CMD ["watch"]
