import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AuditEntry } from '../server/contracts/audit.ts'
import type { RecordingEntry } from '../server/contracts/black-box.ts'
import type { Action, Incident } from '../server/contracts/incident.ts'
import type { EngineEvent } from '../server/contracts/telemetry.ts'
import { aContainer, anAction, anIncident } from '../server/decide/incident-stand-in.ts'
import { aRecording } from '../server/store/recording-stand-in.ts'
import { incidentView } from '../server/views.ts'
import { type ReportContext, renderIncidentReport } from './incident-report.ts'

const entry = (index: number, different: Partial<AuditEntry> = {}): AuditEntry => ({
  index,
  at: '1970-01-01T00:00:20.123Z',
  monotonicMs: 1,
  prev: '0'.repeat(64),
  event: 'action.intended',
  actor: 'dockerpulse',
  container: { id: aContainer().id, key: 'shop/api/1', name: 'shop-api-1' },
  incidentId: anIncident().id,
  actionId: anAction().id,
  probability: 0.91,
  threshold: 0.85,
  calibration: 'prior-1',
  policyHash: 'f'.repeat(64),
  evidenceHashes: [],
  decision: 'restart',
  reason: 'confidence 91 % is at or above the threshold',
  result: 'executing',
  ...different,
})

const recordingEntry = (different: Partial<RecordingEntry> = {}): RecordingEntry => ({
  number: 1,
  moment: 'opened',
  at: '1970-01-01T00:00:20.000Z',
  bytes: 2048,
  sha256: 'c'.repeat(64),
  problem: null,
  ...different,
})

const ENGINE_EVENT: EngineEvent = {
  at: 20_000,
  containerId: aContainer().id,
  kind: 'die',
  name: 'shop-api-1',
  exitCode: 137,
  signal: null,
  health: null,
}

const context: ReportContext = {
  issuedAt: '2026-03-01T12:00:00.000Z',
  version: '0.1.0',
  demo: false,
  calibration: 'prior-1',
  engine: 'Docker 29.0.1 on host',
  entries: [entry(41)],
  blackBox: { recordings: [], newest: null },
  checkpoint: 'dockerpulse/test\n42\nqqqq=\n\n— dockerpulse/test AAAA\n',
  verifier: 'dockerpulse/test+00000000+AAAA',
}

const render = (different: Partial<Incident> = {}, around: Partial<ReportContext> = {}) =>
  renderIncidentReport(incidentView(anIncident(different)), { ...context, ...around })
const withAction = (different: Partial<Action>) => render({ actions: [anAction(different)] })

describe('a report', () => {
  test('shows who it is about: the incident by its UUIDv4, the container by name and id', () => {
    const html = render()
    expect(html).toMatch(/<dd>[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}<\/dd>/)
    expect(html).toContain(aContainer().id)
    expect(html).toContain('shop-api-1')
  })

  test('says of a demo that it is one', () => {
    expect(render({}, { demo: true })).toContain('its containers are simulated')
    expect(render()).not.toContain('simulated')
  })

  test('says where its history leaves lines out', () => {
    const line = (number: number) => ({ at: number, event: 'incident.updated', text: `line ${number}` })
    const history = Array.from({ length: 40 }, (_, number) => line(number))
    const html = render({ history, historyOmitted: 7 })
    expect(html).toMatch(/line 9<[\s\S]*7 more are among the entries below[\s\S]*line 10</)
    expect(render({ history })).not.toContain('more are among')
  })

  test('names what proves the evidence', () => {
    const hash = 'abc123'.repeat(10)
    expect(render({}, { entries: [entry(1, { evidenceHashes: [hash] })] })).toContain(hash)
  })

  test('has every time in UTC with milliseconds', () => {
    const html = render({ openedAt: 20_007, actions: [anAction({ at: 20_123 })] })
    expect(html).toContain('1970-01-01T00:00:20.007Z')
    expect(html).toContain('1970-01-01T00:00:20.123Z')
    expect(html).not.toMatch(/T\d\d:\d\d:\d\dZ/)
  })

  test('keeps the times of all tables on one line', () => {
    const cells = [...render().matchAll(/<td([^>]*)>\d{4}-\d\d-\d\dT/g)].map(([, attributes]) => attributes)
    expect(cells.length).toBeGreaterThanOrEqual(3)
    expect(new Set(cells)).toEqual(new Set([' class="time"']))
  })

  test('says what was thought and seen: evidence, snapshot, forecast, confidence and threshold', () => {
    const html = render()
    for (const text of [
      'grows 4 MiB/s',
      '91.0 %',
      '128.0 MiB',
      'memoryExceedance',
      '8.00',
      '13.0 s',
      'An explanation changes no',
    ])
      expect(html).toContain(text)
  })

  test('says what is not known, instead of a number', () => {
    const { snapshot } = anIncident()
    const html = render({
      probability: null,
      snapshot: { ...snapshot, sample: null, assessment: null, startedAt: null },
    })
    for (const text of ['not evaluated', 'unknown', 'too few samples', 'no forecast', 'not in sight', 'not running'])
      expect(html).toContain(text)
    expect(html).not.toMatch(/NaN|undefined|\bnull\b/)
  })

  test('has the entries, the checkpoint and the key that prove it, letter by letter', () => {
    const html = render({}, { entries: [entry(41), entry(42, { event: 'action.executed', result: 'executed' })] })
    for (const text of ['<td>41</td>', '<td>42</td>', 'action.executed', context.checkpoint, context.verifier])
      expect(html).toContain(text)
  })

  test('needs nothing else and runs nothing', () => {
    expect(render()).not.toMatch(/<script|<link|<img|src=|href=|url\(|@import| on[a-z]+=/i)
  })
})

describe('the black box', () => {
  const kept = entry(43, { event: 'evidence.kept', evidenceHashes: ['c'.repeat(64)] })
  const withBox = (recordings: RecordingEntry[], entries: AuditEntry[] = [kept]) =>
    render({}, { entries, blackBox: { recordings, newest: aRecording(1, { events: [ENGINE_EVENT] }) } })

  test('shows the newest recording: log, processes, what changed, events and what is missing', () => {
    const html = withBox([recordingEntry()])
    for (const text of [
      'java.lang.OutOfMemoryError',
      'java -jar shop.jar',
      '<td>web:1</td><td>web:2</td>',
      'die, exit code 137',
      'host: its files cannot be seen',
      '2.0 KiB',
    ])
      expect(html).toContain(text)
  })

  test('names the entry that proves a recording, and says where one is not what was kept or cannot be read', () => {
    expect(withBox([recordingEntry()])).toContain('audit entry 43')
    expect(withBox([recordingEntry()], [entry(41)])).toContain('in no audit entry')
    const damaged = { sha256: null, bytes: null, at: null, problem: 'unexpected end of file' }
    expect(withBox([recordingEntry(damaged)])).toContain('unexpected end of file')
  })

  test('says that there is none', () => expect(render()).toMatch(/<h2>Black box<[\s\S]*<p>None.<\/p>/))
})

describe('the seal', () => {
  const sealed = (html: string) => html.includes('<aside class="seal">')

  test.each(['executing', 'executed', 'failed', 'verified', 'ineffective', 'unknown'] as const)(
    'marks what went ahead without asking and is %s',
    (state) => expect(sealed(withAction({ state, forced: true }))).toBe(true),
  )

  test('does not mark what was refused, approved, only proposed or only recorded', () => {
    expect(sealed(withAction({ state: 'refused', forced: true }))).toBe(false)
    for (const state of ['executed', 'proposed', 'recorded', 'rejected'] as const)
      expect(sealed(withAction({ state, forced: false }))).toBe(false)
    expect(sealed(render({ actions: [] }))).toBe(false)
  })

  test('has time, confidence, threshold, result, and the entry of its intent; or says that there is none', () => {
    const html = withAction({ state: 'verified' })
    for (const text of [
      '1970-01-01T00:00:20.000Z',
      'confidence 91.0 %, threshold 85.0 %',
      'result: verified',
      'audit entry 41',
    ])
      expect(html).toContain(text)
    for (const foreign of [entry(41, { actionId: null }), entry(41, { event: 'action.executed' })])
      expect(render({}, { entries: [foreign] })).toContain('intent not in the audit log')
  })
})

describe('text of containers and models', () => {
  test('stays text: nothing of it becomes a tag, an attribute or an entity', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '</td></table><h1>',
        '"><img src=x onerror=alert(1)>',
        "' onload='x",
        '&lt;',
        ']]>',
        '<!--',
      ),
    )
    const shape = (html: string) => html.replace(/[^<>]*(<[^<>]*>|$)/g, '$1').replaceAll(' class="long"', '')
    const calm = shape(render(...storyWith('calm')))
    fc.assert(
      fc.property(hostile, (text) => {
        expect(shape(render(...storyWith(text)))).toBe(calm)
      }),
    )
  })

  test('cannot turn the direction of what is read, nor hide control characters in it', () => {
    const html = render({ containerName: 'safe\u202egnp.exe\u2066\u0000\u001b' })
    expect(html).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
    expect(html).toContain('safe\ufffdgnp.exe\ufffd\ufffd\ufffd')
  })
})

/** An incident in which a text stands wherever a container, a model or an operator could have put it. */
function storyWith(text: string): [Partial<Incident>, Partial<ReportContext>] {
  const { snapshot } = anIncident()
  return [
    {
      containerName: text,
      containerKey: text,
      composeProject: text,
      evidence: [{ feature: text, text, value: 1, contribution: 1 }],
      snapshot: { ...snapshot, image: text },
      explanation: { source: text, at: 0, text },
      actions: [anAction({ by: text, reason: text })],
      history: [{ at: 0, event: text, text }],
    },
    {
      engine: text,
      version: text,
      checkpoint: text,
      verifier: text,
      blackBox: {
        recordings: [recordingEntry({ problem: text, sha256: null })],
        newest: aRecording(1, {
          containerName: text,
          logTail: [text],
          processes: { titles: [text], processes: [[text]] },
          changedSinceGood: [{ field: text, before: text, after: text }],
          events: [{ ...ENGINE_EVENT, kind: text, name: text }],
          missing: [text],
        }),
      },
      entries: [entry(1, { reason: text, decision: text, result: text })],
    },
  ]
}
