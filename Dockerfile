# One image for every command: `webhook` unless told. The bundle is built with the locked dependencies, and nothing of them
# is in the image but what the bundle took. The same sources make the same files; for the same layers, by BuildKit:
# SOURCE_DATE_EPOCH=0 and --output type=image,rewrite-timestamp=true.
FROM node:24.21.0-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY bin bin
COPY src src
COPY deploy/image deploy/image
RUN node deploy/image/bundle.ts /bundle

FROM node:24.21.0-slim
LABEL org.opencontainers.image.title="tandem" \
      org.opencontainers.image.description="Joins Kubernetes to a Consul service mesh" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MPL-2.0"
COPY --from=build /bundle /app
COPY LICENSE /app/LICENSE
# An admission lives for a millisecond: small spaces keep the webhook small. With 4 MB it answers a sixth more than with 2, in
# the same memory; 8 MB add a hundredth, and 8 MB. The sync holds a catalog, and is given its own heap where it is deployed.
ENV NODE_OPTIONS="--max-semi-space-size=4 --max-old-space-size=128"
USER 65532:65532
EXPOSE 8443 8081
# For engines without probes; webhook and sync have the same status port.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8081/health/live').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/tandem.js"]
CMD ["webhook"]
