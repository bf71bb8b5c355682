import { openAuditLog } from './audit-log.ts'
import { record } from './record-stand-in.ts'

// A program for tests to kill or to trace: appends entries and says each one that is acknowledged.
const [folder, count = 'Infinity'] = process.argv.slice(2)
// A minute passes with each entry, so that every one is signed.
let now = Date.now()
const log = openAuditLog(folder!, () => (now += 60_000), { entriesPerFile: 50 })
for (let written = 0; written < Number(count); written++) {
  const { index } = log.append(record({ reason: `entry ${written} ${'x'.repeat(written % 500)}` }))
  process.stdout.write(`${index}\n`)
}
