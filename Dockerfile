# The bundle is built with the locked dependencies; nothing of them is in the image but what the bundle took.
FROM node:24-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY bin bin
COPY src src
COPY deploy/image deploy/image
RUN node deploy/image/bundle.ts /bundle

FROM node:24-slim
LABEL org.opencontainers.image.title="tandem" \
      org.opencontainers.image.description="Joins Kubernetes to a Consul service mesh" \
      org.opencontainers.image.licenses="MPL-2.0"
COPY --from=build /bundle /app
COPY LICENSE /app/LICENSE
USER 65532:65532
EXPOSE 8443 8081
# An admission lives for a millisecond: small spaces are collected often and cheaply, and the process stays small.
ENTRYPOINT ["node", "--max-semi-space-size=2", "--max-old-space-size=128", "/app/tandem.js"]
CMD ["webhook"]
