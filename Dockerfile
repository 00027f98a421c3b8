# CPU only: docker build --build-arg EXTRAS=torch,sklearn --tag paritygate .
#           docker run --rm --volume "$PWD:/work" paritygate gate
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY . .
RUN python -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

FROM python:3.11-slim
ARG EXTRAS=all
COPY constraints.txt /tmp/constraints.txt
COPY --from=wheel /wheel /wheel
# PyTorch's own index has builds without CUDA.
RUN wheel=$(echo /wheel/*.whl) \
    && python -m pip install --no-cache-dir --constraint /tmp/constraints.txt \
        --extra-index-url https://download.pytorch.org/whl/cpu "${wheel}[$EXTRAS]" \
    && useradd --create-home --uid 1000 paritygate
USER 1000
WORKDIR /work
ENTRYPOINT ["paritygate"]
CMD ["--help"]
