import type Docker from 'dockerode'
import type { Undo } from './undo.ts'
import { ifThere } from './victim-facts.ts'

type Inspect = Docker.ContainerInspectInfo
type RecreationUndo = Extract<Undo, { kind: 'recreation' }>

/** What a new container needs to be like an old one, anonymous volumes too. */
export function replacementOf(old: Inspect): { create: Docker.ContainerCreateOptions; otherNetworks: string[] } {
  const { HostConfig: host, Config: config, Mounts: mounts } = old
  const networks = Object.entries(old.NetworkSettings.Networks ?? {})
  const endpoints = networks.map(([name, one]) => [name, endpointOf(old, one)] as const)
  const first = endpoints.filter(([name]) => name === host.NetworkMode || endpoints.length === 1).slice(0, 1)
  const bound = new Set((host.Binds ?? []).map((bind) => bind.split(':')[1]))
  const anonymous = (mounts ?? []).filter(
    (mount) =>
      mount.Type === 'volume' &&
      !bound.has(mount.Destination) &&
      !(host.Mounts ?? []).some(({ Target }) => Target === mount.Destination),
  )
  const { Hostname: hostname, ...rest } = config
  return {
    create: {
      ...(rest as Docker.ContainerCreateOptions),
      ...(hostname === old.Id.slice(0, 12) || hostname === '' ? {} : { Hostname: hostname }),
      HostConfig: {
        ...host,
        Binds: [...(host.Binds ?? []), ...anonymous.map((mount) => `${mount.Name}:${mount.Destination}`)],
      },
      NetworkingConfig: { EndpointsConfig: Object.fromEntries(first) as Docker.EndpointsConfig },
    },
    otherNetworks: endpoints.map(([name]) => name).filter((name) => !first.some(([one]) => one === name)),
  }
}

/** What a container had in a network, without what the engine gives by itself. */
export function endpointOf(container: Inspect, endpoint: unknown): Record<string, unknown> {
  const { Aliases, Links, IPAMConfig, DriverOpts } = endpoint as Record<string, unknown> & { Aliases?: string[] | null }
  const aliases = (Aliases ?? []).filter((alias) => alias !== container.Id.slice(0, 12))
  return {
    ...(aliases.length === 0 ? {} : { Aliases: aliases }),
    ...(Links ? { Links } : {}),
    ...(IPAMConfig ? { IPAMConfig } : {}),
    ...(DriverOpts ? { DriverOpts } : {}),
  }
}

/** The name that compose gives a replacement until the old container is gone. */
export const temporaryNameOf = (id: string, name: string) => `${id.slice(0, 12)}_${name}`

/**
 * Replaces a container as compose does: a new one under a temporary name, the old one stopped and removed, the new one
 * renamed and started. Resolves with its id.
 */
export async function recreate(docker: Docker, old: Inspect, undo: RecreationUndo): Promise<string> {
  const { create, otherNetworks } = replacementOf(old)
  const replacement = await docker.createContainer({ ...create, name: undo.temporaryName })
  for (const name of otherNetworks) {
    const endpoint = endpointOf(old, old.NetworkSettings.Networks[name])
    await docker.getNetwork(name).connect({ Container: replacement.id, EndpointConfig: endpoint })
  }
  const former = docker.getContainer(old.Id)
  await former.stop().catch((error) => {
    if ((error as { statusCode?: number }).statusCode !== 304) throw error
  })
  await former.remove({ force: true })
  await replacement.rename({ name: undo.name })
  await replacement.start()
  return replacement.id
}

/** Makes one container of a recreation that was cut off, running under its name: the old one while there is one. */
export async function finishRecreation(docker: Docker, undo: RecreationUndo): Promise<string | null> {
  const replacement = docker.getContainer(undo.temporaryName)
  const waiting = await ifThere(replacement.inspect())
  const old = await ifThere(docker.getContainer(undo.oldId).inspect())
  if (old !== null && waiting !== null) await ifThere(replacement.remove({ force: true }))
  if (old === null && waiting !== null) await replacement.rename({ name: undo.name })
  const one = docker.getContainer(old === null ? undo.name : undo.oldId)
  const found = await ifThere(one.inspect())
  if (found !== null && !found.State.Running && !found.State.Restarting) await one.start()
  return null
}
