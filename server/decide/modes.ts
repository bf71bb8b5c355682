import type { Mode } from '../contracts/incident.ts'
import type { Container } from '../contracts/telemetry.ts'

/** Modes that an operator set while the program runs: for the host, for compose projects, for containers by key. */
export type ModeOverrides = {
  host: Mode | null
  projects: Readonly<Record<string, Mode>>
  containers: Readonly<Record<string, Mode>>
}

export const NO_OVERRIDES: ModeOverrides = { host: null, projects: {}, containers: {} }

/** From the most careful to the boldest. */
export const MODES: readonly Mode[] = ['observe', 'shadow', 'approve', 'earned', 'auto']

/** A label as a mode; one that is none means observe: whoever misspelt it wanted something else than the host's. */
export function labelledMode(container: Container): Mode | null {
  const label = container.labels['dockerpulse.mode']?.trim().toLowerCase()
  if (label === undefined) return null
  return MODES.find((mode) => mode === label) ?? 'observe'
}

/**
 * A container's mode and where it comes from. What an operator set for the container comes first, then its label, then
 * what was set for its project, then for the host, then the configuration.
 */
export function modeOf(
  container: Container,
  configured: Mode,
  overrides: ModeOverrides = NO_OVERRIDES,
): { mode: Mode; from: 'container' | 'label' | 'project' | 'host' | 'configuration' } {
  const own = Object.hasOwn(overrides.containers, container.key) ? overrides.containers[container.key] : undefined
  if (own !== undefined) return { mode: own, from: 'container' }
  const label = labelledMode(container)
  if (label !== null) return { mode: label, from: 'label' }
  const { composeProject } = container
  const project =
    composeProject !== null && Object.hasOwn(overrides.projects, composeProject)
      ? overrides.projects[composeProject]
      : undefined
  if (project !== undefined) return { mode: project, from: 'project' }
  if (overrides.host !== null) return { mode: overrides.host, from: 'host' }
  return { mode: configured, from: 'configuration' }
}
