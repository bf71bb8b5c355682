import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type Outcome, summarise, totalOf } from './summary.ts'

const HELP = `node load.ts [--target URL] [--rate N] [--seconds N]

Asks the entrance of the shop at a steady rate, whether it answers or not, and writes one JSON line a second: requests,
failures, the share that was answered, and how long it took. The last line sums up.

  --target   http://127.0.0.1:8088, or LOAD_TARGET
  --rate     requests a second, 10, or LOAD_RATE
  --seconds  how long; without it until SIGTERM, or LOAD_SECONDS

LOAD_BEAT names a file to touch once a second, for health checks.
`
const { values } = parseArgs({
  options: {
    target: { type: 'string', default: process.env.LOAD_TARGET || 'http://127.0.0.1:8088' },
    rate: { type: 'string', default: process.env.LOAD_RATE || '10' },
    seconds: { type: 'string', default: process.env.LOAD_SECONDS || 'Infinity' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(HELP)
  process.exit(0)
}
const [rate, seconds] = [Number(values.rate), Number(values.seconds)]
if (!(rate > 0 && rate <= 1000) || !(seconds > 0) || !URL.canParse(values.target)) {
  process.stderr.write(`expected a URL, a rate from 0 to 1000 and seconds above 0\n\n${HELP}`)
  process.exit(2)
}

/** Longer than anybody waits for a page of a shop. */
const TIMEOUT_MS = 2_000
const PRODUCTS = 50
const ORDER_EVERY = 5

let lastOrder = 0
const answered: Outcome[] = []
let total = totalOf([])

function requestOf(number: number): [path: string, init: RequestInit] {
  const sku = `sku-${1 + (number % PRODUCTS)}`
  if (number % ORDER_EVERY === 0) {
    const body = JSON.stringify({ sku, quantity: 1 + (number % 3) })
    return ['/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body }]
  }
  if (number % ORDER_EVERY === 1 && lastOrder > 0) return [`/orders/${lastOrder}`, {}]
  return [`/products/${sku}`, {}]
}

async function ask(number: number): Promise<void> {
  const [path, init] = requestOf(number)
  const begin = performance.now()
  let failure: string | null = null
  try {
    const response = await fetch(new URL(path, values.target), { ...init, signal: AbortSignal.timeout(TIMEOUT_MS) })
    const reply = await response.text()
    if (!response.ok) failure = `${response.status}`
    else if (path === '/orders') lastOrder = (JSON.parse(reply) as { id: number }).id
  } catch (error) {
    failure = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name
  }
  answered.push({ milliseconds: performance.now() - begin, failure })
}

function report(facts: object): void {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), ...facts })}\n`)
}

const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())

const begin = performance.now()
const pending = new Set<Promise<void>>()
let sent = 0
for (let second = 1; second <= seconds && !stop.signal.aborted; second++) {
  // What is due by now is sent at once: a generator that was held up must not lower the rate.
  while (performance.now() < begin + second * 1000 && !stop.signal.aborted) {
    for (const due = ((performance.now() - begin) / 1000) * rate; sent < due; sent++) {
      const request = ask(sent).finally(() => pending.delete(request))
      pending.add(request)
    }
    await sleep(1000 / Math.min(rate, 100), undefined, { signal: stop.signal }).catch(() => {})
  }
  const summary = summarise(answered.splice(0))
  total = totalOf([total, summary])
  report(summary)
  if (process.env.LOAD_BEAT) writeFileSync(process.env.LOAD_BEAT, '')
}
await Promise.all(pending)
report({ total: true, ...totalOf([total, summarise(answered)]) })
