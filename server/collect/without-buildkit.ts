import { registerHooks } from 'node:module'

/** What dockerode loads for sessions of BuildKit, and nobody but a build of an image calls: 5 MB for good. */
const ONLY_FOR_BUILDS: ReadonlySet<string> = new Set(['@grpc/grpc-js', '@grpc/proto-loader'])

registerHooks({
  resolve: (specifier, context, next) =>
    ONLY_FOR_BUILDS.has(specifier) && context.parentURL?.includes('/node_modules/dockerode/')
      ? { url: 'node:util', shortCircuit: true }
      : next(specifier, context),
})
