import { join } from 'node:path'
import { openArchive } from './archive.ts'
import { archiveFolderOf, openDatabase } from './database.ts'
import { openSampleStore } from './samples.ts'
import { observation } from './stand-ins.ts'
import { parseTiers } from './tiers.ts'

// A program for tests to kill: time flies, batches are appended and said once they are acknowledged, and all the while
// hours are rolled up, merged and removed. Arguments: the folder, and the time to begin at.
const folder = process.argv[2]!
const STEP_MS = 1_800_000
const path = join(folder, 'x.duckdb')
let now = Number(process.argv[3])
const database = await openDatabase({ path, memoryLimitMegabytes: 64, now: () => now })
const store = await openSampleStore(database, folder)
const archive = await openArchive({
  database,
  folder: archiveFolderOf(path),
  tiers: parseTiers('raw=1y,10s=1y,1min=1y'),
  now: () => now,
})
const said = [...database.repairs, ...archive.repairs, ...(store.missing === null ? [] : [store.missing])]
if (said.length > 0) process.stdout.write(`repairs ${said.join('; ')}\n`)

const BATCHES_AT_ONCE = 6

const append = async () => {
  for (let count = 0; count < BATCHES_AT_ONCE; count++, now += STEP_MS) {
    await store.append(now, [observation(1, now), observation(2, now)])
    if (store.dropped.reason !== null) process.stdout.write(`repairs ${store.dropped.reason}\n`)
    process.stdout.write(`${now}\n`)
  }
}
const maintain = async () => {
  await store.flush()
  await archive.rollUp()
  process.stdout.write('rolled\n')
  await archive.merge()
  process.stdout.write('merged\n')
  await archive.prune()
  // Refused while a batch is being written.
  await database.read((connection) => connection.run('CHECKPOINT')).catch(() => {})
}
for (;;) await Promise.all([append(), maintain()])
