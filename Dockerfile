ARG NODE_IMAGE=node:24.21.0-bookworm-slim
FROM ${NODE_IMAGE} AS build
RUN install -d -o 1000 -g 1000 /app
USER 1000:1000
WORKDIR /app
COPY --chown=1000:1000 package.json package-lock.json ./
COPY --chown=1000:1000 dashboard/package.json dashboard/
RUN npm ci --no-audit --no-fund
COPY --chown=1000:1000 . .
RUN npm run build
# The image has Node: the packages that bring it for machines without are left out.
RUN npm prune --omit=dev --workspaces=false --no-audit --no-fund && rm -rf node_modules/node node_modules/.bin/node

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="DockerPulse" org.opencontainers.image.licenses="MIT"
RUN install -d -o 1000 -g 1000 /data
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/server server
COPY --from=build /app/models models
COPY --from=build /app/reports reports
COPY --from=build /app/dashboard/build dashboard/build
USER 1000:1000
# As `npm start` sets them.
ENV DOCKERPULSE_DATA=/data UV_THREADPOOL_SIZE=8 MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536 DUCKDB_JE_MALLOC_CONF=dirty_decay_ms:0,muzzy_decay_ms:0,narenas:1,tcache:false NODE_COMPILE_CACHE=/app/node_modules/.cache/dockerpulse
VOLUME /data
EXPOSE 7070
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.DOCKERPULSE_PORT || 7070}/healthz`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--max-semi-space-size=2", "--no-maglev", "--v8-pool-size=1", "server/main.ts"]
