import { FactName, type Facts, Runbook } from '../contracts/runbook.ts'

/** A runbook as somebody might write it, with the rest by default. */
export function aRunbook(different: Record<string, unknown> = {}): Runbook {
  return Runbook.parse({
    name: 'memory-leak',
    title: 'Memory grows towards the limit',
    trigger: { causes: ['memory-limit'] },
    solutions: [{ action: 'restart' }],
    escalate: 'look at what it keeps in memory',
    ...different,
  })
}

/** Nothing is known but what the test says. */
export function someFacts(known: Partial<Facts> = {}): Facts {
  return { ...(Object.fromEntries(FactName.options.map((name) => [name, null])) as Facts), ...known }
}
