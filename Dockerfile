# docker build -t rssbound .
# docker run --rm -v /sys:/host/sys:ro rssbound analyze --sysroot /host
FROM python:3.13-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/rssbound && /opt/rssbound/bin/pip install --no-cache-dir '.[kernel]'

FROM python:3.13-slim
COPY --from=build /opt/rssbound /opt/rssbound
ENV PATH=/opt/rssbound/bin:$PATH
USER nobody
ENTRYPOINT ["rssbound"]
CMD ["analyze", "--help"]
