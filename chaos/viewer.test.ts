import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { AuditEntry } from '../server/contracts/audit.ts'
import type { Autonomy } from '../server/contracts/autonomy.ts'
import { openTestService } from './service-harness.ts'
import { openSimulatedEngine } from './simulated-engine.ts'

const OPERATOR = 'the token of an operator'
const VIEWER = 'the token of a viewer'
const ACTION = '/api/actions/00000000-0000-4000-8000-00000000aaaa/approve'

test('what a viewer wants changed is refused, nothing is done, and it is written down', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dockerpulse-viewer-'))
  try {
    await using engine = await openSimulatedEngine({ socketPath: join(folder, 'engine.sock'), faults: 'none' })
    const dataFolder = join(folder, 'data')
    await using service = await openTestService({
      dockerHost: engine.dockerHost,
      dataFolder,
      env: { DOCKERPULSE_TOKEN: OPERATOR, DOCKERPULSE_VIEWER_TOKEN: VIEWER },
    })
    const send = (method: string, path: string, token: string, body: object) =>
      fetch(`${service.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const stop = { on: true, reason: 'key token=abcdefgh for ticket 4711' }
    expect((await send('PUT', '/api/stop', VIEWER, stop)).status).toBe(403)
    expect((await send('POST', ACTION, VIEWER, {})).status).toBe(403)
    for (let times = 0; times < 100; times++) await send('PUT', '/api/stop', VIEWER, stop)
    const autonomy = await fetch(`${service.url}/api/autonomy`, { headers: { authorization: `Bearer ${VIEWER}` } })
    expect(((await autonomy.json()) as Autonomy).settings.stopped).toBeNull()
    const byOperator = (await (await send('PUT', '/api/stop', OPERATOR, stop)).json()) as Autonomy
    expect(byOperator.settings.stopped).toBe('key token=<secret> for ticket 4711')

    const entries = readdirSync(join(dataFolder, 'audit'))
      .filter((name) => name.startsWith('audit-'))
      .flatMap((name) =>
        readFileSync(join(dataFolder, 'audit', name), 'utf8')
          .trim()
          .split('\n'),
      )
      .map((line) => JSON.parse(line) as AuditEntry)
      .filter(({ actor }) => actor === 'viewer')
    expect(entries[0]).toMatchObject({ event: 'request.refused', decision: 'PUT /api/stop', result: 'refused' })
    expect(entries[1]).toMatchObject({ decision: `POST ${ACTION}`, actionId: ACTION.split('/')[3] })
    // Whoever knocks again and again does not fill the disk.
    expect(entries).toHaveLength(60)
    expect(entries.at(-1)?.reason).toContain('more of these are not written down')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
