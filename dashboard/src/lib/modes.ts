import type { Autonomy, ContainerView, Mode, ModeChange } from './api.ts'

/** From the most careful to the boldest. */
export const MODES: readonly Mode[] = ['observe', 'shadow', 'approve', 'earned', 'auto']

export type Scope = ModeChange['scope']
export type ModeOrigin = Scope | 'label' | 'configuration'
type Whose = Pick<ContainerView, 'key' | 'composeProject'>

const own = (modes: Readonly<Record<string, Mode>>, name: string): Mode | null =>
  Object.hasOwn(modes, name) ? (modes[name] ?? null) : null

/** What an operator set for exactly this scope, or `null`. */
export function setFor({ scope, name }: Pick<ModeChange, 'scope' | 'name'>, { settings }: Autonomy): Mode | null {
  if (scope === 'host') return settings.host
  return own(scope === 'project' ? settings.projects : settings.containers, name)
}

/** A container's mode and where it comes from, in the order of the server's own rule. */
export function modeOf({ key, composeProject }: Whose, autonomy: Autonomy): { mode: Mode; from: ModeOrigin } {
  const candidates: [ModeOrigin, Mode | null][] = [
    ['container', setFor({ scope: 'container', name: key }, autonomy)],
    ['label', own(autonomy.labelled, key)],
    ['project', composeProject === null ? null : setFor({ scope: 'project', name: composeProject }, autonomy)],
    ['host', autonomy.settings.host],
  ]
  for (const [from, mode] of candidates) if (mode !== null) return { mode, from }
  return { mode: autonomy.configuredMode, from: 'configuration' }
}

/** The scopes of a container that a mode can be set for, by the names that the service knows them by. */
export function scopesOf({ key, composeProject }: Whose): Pick<ModeChange, 'scope' | 'name'>[] {
  return [
    { scope: 'container', name: key },
    ...(composeProject === null ? [] : [{ scope: 'project' as const, name: composeProject }]),
    { scope: 'host', name: '' },
  ]
}

const STRENGTH: readonly ModeOrigin[] = ['configuration', 'host', 'project', 'label', 'container']

/** Where a container's mode comes from when a setting for `scope` does not reach it, or `null` where it does. */
export function outranks(container: Whose, scope: Scope, autonomy: Autonomy): ModeOrigin | null {
  const { from } = modeOf(container, autonomy)
  return STRENGTH.indexOf(from) > STRENGTH.indexOf(scope) ? from : null
}
