import { registerHooks } from 'node:module'

/**
 * What libraries load at once and use for things that this program never asks of them, 10 MB for good: dockerode for
 * sessions of BuildKit and the contexts of builds, docker-modem for engines behind ssh://, prom-client for exemplars.
 */
const NEVER_USED: Readonly<Record<string, readonly string[]>> = {
  dockerode: ['@grpc/grpc-js', '@grpc/proto-loader', 'tar-fs', '@balena/dockerignore'],
  'docker-modem': ['ssh2'],
  'prom-client': ['@opentelemetry/api'],
}

const libraryOf = (url: string | undefined): string | undefined =>
  /\/node_modules\/([^/]+)\/(?!.*node_modules)/.exec(url ?? '')?.[1]

registerHooks({
  resolve: (specifier, context, next) =>
    NEVER_USED[libraryOf(context.parentURL) ?? '']?.includes(specifier)
      ? { url: 'node:util', shortCircuit: true }
      : next(specifier, context),
})
