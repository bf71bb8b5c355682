import type Docker from 'dockerode'
import type { Plan, PlanContext } from './plan.ts'
import { endpointOf } from './recreation.ts'
import type { Undo } from './undo.ts'
import { ifThere, PROJECT_LABEL, victimFacts } from './victim-facts.ts'

/** Names what a container depends on, a compose service or a container, where compose does not say. */
export const DEPENDENCY_LABEL = 'dockerpulse.chaos.dependency'
const DEPENDS_ON_LABEL = 'com.docker.compose.depends_on'
const SERVICE_LABEL = 'com.docker.compose.service'

/** The name of the first dependency: our label, else compose's `db:service_healthy:false,cache:…`. */
export function dependencyName(labels: Record<string, string>): string | null {
  return labels[DEPENDENCY_LABEL] || labels[DEPENDS_ON_LABEL]?.split(/[:,]/)[0] || null
}

async function findDependency(docker: Docker, name: string, project: string | undefined) {
  if (project !== undefined) {
    const label = [`${PROJECT_LABEL}=${project}`, `${SERVICE_LABEL}=${name}`]
    const [service] = await docker.listContainers({ filters: { label } })
    if (service !== undefined) return ifThere(docker.getContainer(service.Id).inspect())
  }
  return ifThere(docker.getContainer(name).inspect())
}

/** Takes what the victim depends on out of the networks that both are in. */
export async function planDependencyDown({ docker, victim, permission }: PlanContext): Promise<Plan> {
  const name = dependencyName(victim.labels)
  if (name === null)
    return {
      ok: false,
      reason: `it is not known what ${victim.name} depends on: give it the label ${DEPENDENCY_LABEL}=NAME`,
    }
  const found = await findDependency(docker, name, victim.labels[PROJECT_LABEL])
  if (found === null) return { ok: false, reason: `${name}, on which ${victim.name} depends, does not run here` }
  const dependency = victimFacts(found)
  const reason = permission(dependency)
  if (reason !== null) return { ok: false, reason }
  const shared = dependency.networks.filter((network) => victim.networks.includes(network))
  if (shared.length === 0 || dependency.sharesNetwork)
    return { ok: false, reason: `${victim.name} and ${dependency.name} have no network of their own in common` }
  const undo = shared.map((network): Extract<Undo, { kind: 'network' }> => {
    const endpoint = endpointOf(found, found.NetworkSettings.Networks[network])
    return { kind: 'network', containerId: dependency.id, network, endpoint }
  })
  return {
    ok: true,
    undo,
    detail: `${dependency.name} from ${shared.join(', ')}`,
    async start() {
      for (const network of shared)
        await docker.getNetwork(network).disconnect({ Container: dependency.id, Force: true })
      return {}
    },
  }
}
