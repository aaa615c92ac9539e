# Everything that the pipeline needs, by the same lock files as `make install`:
#   docker build -t outofsample .
#   docker run --rm -v "$PWD/results:/outofsample/results" outofsample make demo
# Data stay outside (.dockerignore): -v "$PWD/data:/outofsample/data"
FROM debian:12-slim

ENV LANG=C.UTF-8 CI=true
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates git make python3 python3-venv \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /outofsample
# The environment is made before the code is copied: a change of the code does not install again.
COPY requirements.in requirements.lock requirements-r.in requirements-r.lock ./
COPY setup ./setup
RUN setup/install.sh && rm -rf /var/lib/apt/lists/* /root/.cache

COPY . .
ENV PATH=/outofsample/.venv/bin:$PATH
CMD ["snakemake", "--cores", "all"]
