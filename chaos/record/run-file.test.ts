import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { aSample } from '../../server/decide/incident-stand-in.ts'
import { FAMILIES, planRun } from './families.ts'
import { programScript } from './program.ts'
import { packRun, type Run, unpackRun } from './run-file.ts'

test('a run comes out of its file as it went in, times and unknowns included', () => {
  const sample = aSample({ at: 1_000, cpuCores: 0.25, throttledShare: null })
  const run: Run = {
    header: {
      family: 'leak-linear',
      kind: 'leak',
      use: 'fit',
      seed: 1,
      parameters: { memoryMib: 64 },
      containerId: sample.containerId,
      name: 'a',
      image: 'b',
      memoryLimitBytes: 2 ** 26,
      cpuLimitCores: null,
      pidsLimit: null,
      engine: '1',
      beganAt: 0,
      endedAt: 9_000,
      end: 'ended',
      failures: [{ sign: 'oom', at: 8_000 }],
    },
    happenings: [
      { seen: 'sample', sample },
      {
        seen: 'event',
        at: 8_001,
        event: {
          at: 8_000,
          containerId: sample.containerId,
          kind: 'die',
          name: 'a',
          exitCode: 137,
          signal: null,
          health: null,
        },
      },
    ],
  }
  expect(unpackRun(packRun(run))).toEqual(run)
})

test('the families to fit and to test are apart, and there are failing and deceptive ones in both', () => {
  const names = FAMILIES.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const use of ['fit', 'test'])
    expect(new Set(FAMILIES.filter((family) => family.use === use).map(({ kind }) => kind))).toEqual(
      new Set(['leak', 'failing', 'deceptive', 'calm']),
    )
})

test('every program is a script that a shell can read, the same one for the same seed', () => {
  for (const family of FAMILIES) {
    const script = programScript(planRun(family, 7).program, 7)
    expect(script, family.name).toBe(programScript(planRun(family, 7).program, 7))
    expect(() => execFileSync('sh', ['-n'], { input: script }), family.name).not.toThrow()
  }
})
