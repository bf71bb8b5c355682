import type { Autonomy, AutonomyRecord, ContainerView, ModeChange } from './api.ts'

export type RecordRow = AutonomyRecord & { name: string; present: boolean }

/** The records with their containers' names: what can be granted first, then the longest record. */
export function recordRows(
  { records }: Pick<Autonomy, 'records'>,
  containers: readonly Pick<ContainerView, 'key' | 'name'>[],
): RecordRow[] {
  const names = new Map(containers.map(({ key, name }) => [key, name]))
  return records
    .map((record) => ({
      ...record,
      name: names.get(record.containerKey) ?? record.containerKey,
      present: names.has(record.containerKey),
    }))
    .sort(
      (a, b) =>
        Number(b.suggestion !== null) - Number(a.suggestion !== null) ||
        b.judged - a.judged ||
        a.name.localeCompare(b.name) ||
        a.kind.localeCompare(b.kind),
    )
}

/** The change that grants what a record suggests; its reason goes into the audit log. */
export function grantOf({ containerKey, kind, suggestion, reason }: AutonomyRecord): ModeChange {
  return {
    scope: 'container',
    name: containerKey,
    mode: suggestion,
    reason: `its record suggests it (${kind}: ${reason})`.slice(0, 500),
  }
}
