import type { Cause } from '../contracts/assessment.ts'
import type { Incident } from '../contracts/incident.ts'

/** What usually lies behind each failure, and what a person looks at next. */
const ADVICE: Record<Cause, string> = {
  'memory-limit':
    'At the limit the kernel kills a process of it. A restart frees the memory; if it comes back, look for a leak or raise the limit.',
  'cpu-saturation':
    'It is using all the CPU that it may: requests queue up and health checks time out. Look at what it is computing, or raise its CPU limit.',
  'crash-loop':
    'It ends by itself soon after each start: the reason is most likely in its last log lines, its configuration, or something that it depends on.',
  unhealthy:
    'Its own health check fails: the process runs but does not answer as it should. A restart cures a hang; not a missing dependency.',
  unknown: 'No single sign explains it: look at the evidence and at what changed last.',
}

/** Explains an incident from its evidence alone: no model, the same words every time. */
export function explainByRules(incident: Pick<Incident, 'containerName' | 'cause' | 'evidence' | 'history'>): string {
  const signs = incident.evidence
    .filter(({ contribution }) => contribution > 0)
    .slice(0, 3)
    .map(({ text }) => text)
  const opening = incident.history[0]?.text
  const seen = signs.length > 0 ? signs.join('; ') : (opening ?? 'no evidence was kept')
  return `${incident.containerName}: ${seen}. ${ADVICE[incident.cause]}`
}
