import { expect, test } from 'vitest'
import { Cause } from '../contracts/assessment.ts'
import { anIncident, MEMORY_EVIDENCE } from '../decide/incident-stand-in.ts'
import { explainByRules } from './rules.ts'

test.each([
  ['memory-limit', 'A restart frees the memory'],
  ['cpu-saturation', 'raise its CPU limit'],
  ['crash-loop', 'its last log lines'],
  ['unhealthy', 'its own health check fails'],
  ['unknown', 'No single sign explains it'],
] as const)('%s is explained by what was seen and by what a person looks at next', (cause, advice) => {
  const text = explainByRules(anIncident({ cause }))
  expect(text.startsWith(`shop-api-1: ${MEMORY_EVIDENCE.text}. `)).toBe(true)
  expect(text.toLowerCase()).toContain(advice.toLowerCase())
})

test('every cause has its advice', () => {
  for (const cause of Cause.options) expect(explainByRules(anIncident({ cause }))).not.toContain('undefined')
})

test('without evidence the first line of its story is told, and without that the lack of it', () => {
  expect(explainByRules(anIncident({ evidence: [] }))).toContain(MEMORY_EVIDENCE.text)
  expect(explainByRules(anIncident({ evidence: [], history: [] }))).toContain('no evidence was kept')
})

test('what speaks against a failure is no sign of one', () => {
  const against = { ...MEMORY_EVIDENCE, text: 'it rests', contribution: -2 }
  expect(explainByRules(anIncident({ evidence: [MEMORY_EVIDENCE, against] }))).not.toContain('it rests')
})
