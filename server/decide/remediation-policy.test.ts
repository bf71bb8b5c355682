import { describe, expect, test } from 'vitest'
import { AROUND, aContainer, aHost, SETTINGS } from './incident-stand-in.ts'
import { modeOf } from './modes.ts'
import {
  decideRemedy,
  labelProblems,
  maxRestartsOf,
  protectionOf,
  type Question,
  stopGraceSeconds,
  type Verdict,
} from './remediation-policy.ts'

const HOUR = 3_600_000
const NOW = 10 * HOUR

const decide = (different: Partial<Question>): Verdict =>
  decideRemedy({
    at: NOW,
    sample: null,
    actions: [],
    attempts: 0,
    lastWasGentle: false,
    ...AROUND,
    container: aContainer(),
    cause: 'memory-limit',
    probability: 0.9,
    mode: 'auto',
    protectedBecause: null,
    actionTimesMs: [],
    host: aHost(),
    settings: SETTINGS,
    ...different,
  })

const host = (troubled: number, containers: number, actionInFlight = false) =>
  aHost({ troubled, containers, actionInFlight })
const critical = aContainer({ labels: { 'dockerpulse.critical': 'true' } })
const confident = 'confidence 90 % is at or above the threshold of 85 %'

describe('whether a container is restarted', () => {
  test.each<[string, Partial<Question>, Verdict['verdict'], string]>([
    ['in mode observe', { mode: 'observe' }, 'none', 'mode observe: seen, nothing decided'],
    ['where it is protected', { protectedBecause: 'it is DockerPulse itself' }, 'none', 'it is DockerPulse itself'],
    ['where no runbook fits', { runbook: null }, 'none', 'no runbook fits'],
    ['where it is paused', { container: aContainer({ state: 'paused' }) }, 'none', 'it is paused, not running'],
    [
      'where nothing could be evaluated',
      { probability: null },
      'none',
      'confidence unknown is below the threshold of 85 %',
    ],
    ['just below the threshold', { probability: 0.8499 }, 'none', 'confidence 85 % is below the threshold of 85 %'],
    ['where the probability is no number', { probability: Number.NaN }, 'none', 'confidence NaN % is below'],
    ['in mode shadow', { mode: 'shadow' }, 'record', '; mode shadow: nothing is touched'],
    [
      'after as many restarts as are allowed',
      { actionTimesMs: [NOW - 50 * 60_000, NOW - 30 * 60_000, NOW - 10 * 60_000] },
      'ask',
      'quarantine: it was acted upon 3 times in the last hour, 3 are allowed',
    ],
    [
      'where its label allows none',
      { container: aContainer({ labels: { 'dockerpulse.max-restarts': '0' } }) },
      'ask',
      'quarantine: it was acted upon 0 times in the last hour, 0 are allowed',
    ],
    [
      'right after a restart',
      { actionTimesMs: [NOW - 60_000] },
      'wait',
      'cool-down: 240 s since the last action are left',
    ],
    [
      'where most of the host is in trouble',
      { host: host(3, 5) },
      'ask',
      '3 of 5 containers are in trouble at once: it is rather the host than they',
    ],
    ['in mode approve', { mode: 'approve' }, 'ask', '; mode approve: an operator decides'],
    ['in mode earned', { mode: 'earned' }, 'ask', '; mode earned: 0 of 0 decisions were right, 5 have to be judged'],
    [
      'where its label calls it critical',
      { container: critical },
      'ask',
      '; its label dockerpulse.critical demands a person',
    ],
    ['during another action', { host: host(1, 1, true) }, 'wait', 'another action is running on this host'],
    ['in mode auto otherwise', {}, 'act', '; mode auto'],
    ['at the threshold itself', { probability: 0.85 }, 'act', 'confidence 85 % is at or above'],
    ['long after its restarts', { actionTimesMs: [NOW - HOUR, NOW - HOUR - 1, NOW - 2 * HOUR] }, 'act', confident],
  ])('%s', (_, question, verdict, reason) => {
    expect(decide(question)).toMatchObject({ verdict, reason: expect.stringContaining(reason) })
  })

  test('depends on the share in trouble from five containers on, above 40 % only', () => {
    const verdicts = [host(4, 4), host(2, 5), host(3, 5), host(4, 10), host(5, 10)].map(
      (facts) => decide({ host: facts }).verdict,
    )
    expect(verdicts).toEqual(['act', 'act', 'ask', 'act', 'ask'])
  })

  test('nothing that only asks or waits in auto acts in a more careful mode', () => {
    for (const mode of ['observe', 'shadow', 'approve', 'earned'] as const)
      expect(decide({ mode }).verdict).not.toBe('act')
  })
})

describe('a container is never acted upon', () => {
  const OWN = 'f'.repeat(64)
  const why = (different: Parameters<typeof aContainer>[0]) => protectionOf(aContainer(different), OWN)

  test('where it is the program itself', () => expect(why({ id: OWN })).toBe('it is DockerPulse itself'))

  test('where its label says so, also in a spelling that nobody foresaw', () => {
    for (const value of ['true', 'TRUE', '1', 'yes', ' true ', ''])
      expect(why({ labels: { 'dockerpulse.ignore': value } }), `"${value}"`).toBe(
        'its label dockerpulse.ignore forbids it',
      )
  })

  test('but where it clearly says no, it may be', () => {
    for (const value of ['false', 'False', '0', 'no', 'off'])
      expect(why({ labels: { 'dockerpulse.ignore': value } }), `"${value}"`).toBeNull()
  })

  test.each([
    'dockerpulse',
    'dockerpulse:1.0',
    'ghcr.io/someone/dockerpulse:latest',
    'tecnativa/docker-socket-proxy:0.3',
    'wollomatic/socket-proxy',
    'lscr.io/linuxserver/socket-proxy:latest',
    `wollomatic/socket-proxy@sha256:${'0'.repeat(64)}`,
    'ollama/ollama:0.12.4',
    'registry.local:5000/ollama/ollama:latest',
    `registry.local:5000/ollama/ollama:0.12@sha256:${'0'.repeat(64)}`,
  ])('where its image is %s', (image) => expect(why({ image })).toBe('DockerPulse needs it to work'))

  test.each(['nginx:1.27', 'dockerpulse-targets/leak:1', 'acme/ollama-proxy', 'ollama-webui', 'sha256:abcd', ''])(
    'but an image like "%s" is somebody else’s',
    (image) => expect(why({ image })).toBeNull(),
  )
})

describe('labels', () => {
  test('of the mode count where they are a known word; nonsense means observe, and is said', () => {
    const mode = (label: string) => modeOf(aContainer({ labels: { 'dockerpulse.mode': label } }), 'shadow').mode
    expect(['observe', 'auto', ' Approve ', 'earned'].map(mode)).toEqual(['observe', 'auto', 'approve', 'earned'])
    expect(['', 'yes', 'autonomous', '__proto__', 'auto;observe'].map(mode)).toEqual(Array(5).fill('observe'))
    expect(
      labelProblems(aContainer({ labels: { 'dockerpulse.mode': 'atuo', 'dockerpulse.max-restarts': 'x' } })),
    ).toEqual([
      'its label dockerpulse.mode="atuo" is none of observe, shadow, approve, earned, auto: it is only observed',
      'its label dockerpulse.max-restarts="x" is not a whole number: the host\'s setting counts',
    ])
    expect(
      labelProblems(aContainer({ labels: { 'dockerpulse.mode': ' Auto ', 'dockerpulse.max-restarts': '2' } })),
    ).toEqual([])
    expect(modeOf(aContainer(), 'auto')).toEqual({ mode: 'auto', from: 'configuration' })
  })

  test('of the restarts count where they are a whole number; nonsense leaves the setting', () => {
    const most = (label: string) =>
      maxRestartsOf(aContainer({ labels: { 'dockerpulse.max-restarts': label } }), SETTINGS)
    expect(['0', '1', '12', '007'].map(most)).toEqual([0, 1, 12, 7])
    expect(['', '-1', '1.5', '1e3', 'many', '9999', 'Infinity', '0x5'].map(most)).toEqual(Array(8).fill(3))
  })

  test('of a critical container count in any spelling of yes', () => {
    const verdict = (label: string) =>
      decide({ container: aContainer({ labels: { 'dockerpulse.critical': label } }) }).verdict
    expect(['true', 'Yes', '1', ''].map(verdict)).toEqual(['ask', 'ask', 'ask', 'ask'])
    expect(verdict('false')).toBe('act')
  })
})

test('the stop takes at most a third of the time that is left, at least a second, and never longer than configured', () => {
  expect(stopGraceSeconds(10, null)).toBe(10)
  expect(stopGraceSeconds(10, 60_000)).toBe(10)
  expect(stopGraceSeconds(10, 13_000)).toBe(4)
  expect(stopGraceSeconds(10, 2_000)).toBe(1)
  expect(stopGraceSeconds(10, 0)).toBe(1)
})
