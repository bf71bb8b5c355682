import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { verifyLog } from '../server/audit/verification.ts'

const program = new Command('verify')
  .description('Checks the audit log offline: every link of the chain, and the signed checkpoint over all entries.')
  .requiredOption('--chain', 'check the audit log')
  .option('--data <folder>', 'the data folder of the service', process.env.DOCKERPULSE_DATA ?? './data')
  .option('--key <verifier>', 'the public key that you noted elsewhere; without it the one beside the log')
  .option('--checkpoint <file...>', 'checkpoints kept elsewhere: the log must extend each of them')
  .option('--json', 'print the result as JSON')
  .parse()

const { data, key, checkpoint, json } = program.opts<{
  data: string
  key?: string
  checkpoint?: string[]
  json?: boolean
}>()
const folder = join(data, 'audit')
if (!existsSync(folder)) {
  process.stderr.write(`There is no audit log in ${folder}: give the service's data folder with --data.\n`)
  process.exitCode = 2
} else {
  const result = verifyLog(
    folder,
    key,
    (checkpoint ?? []).map((file) => readFileSync(file, 'utf8')),
  )
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else if (result.ok) {
    process.stdout.write(
      `The audit log holds: ${result.entries} entries, checkpoint over ${result.checkpointSize}.\nRoot ${result.rootBase64}\n` +
        (key === undefined
          ? 'Checked with the key beside the log: give --key with one noted elsewhere to exclude an exchange of both.\n'
          : ''),
    )
  } else process.stderr.write(`The audit log does NOT hold: ${result.problem}\n`)
  process.exitCode = result.ok ? 0 : 1
}
