import { join } from 'node:path'
import { openDatabase } from './database.ts'
import { openSampleStore } from './samples.ts'
import { observation } from './stand-ins.ts'

// A program for tests to kill: appends batches for ever and says each one that is acknowledged.
const folder = process.argv[2]!
const database = await openDatabase({
  path: join(folder, 'samples.duckdb'),
  memoryLimitMegabytes: 64,
  now: Date.now,
})
const store = await openSampleStore(database, folder)
for (let at = Date.now(); ; at++) {
  await store.append(at, [observation(1, at), observation(2, at), observation(1, at + 1)])
  if (store.dropped.count === 0) process.stdout.write(`${at}\n`)
}
