import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { consume, type Delivery } from './amqp-consumer.ts'

/** Ships orders: takes them from the queue, packs them, and tells the API. */
const QUEUE_URL = new URL(process.env.QUEUE_URL ?? 'amqp://guest:guest@127.0.0.1:5672')
const API_URL = process.env.API_URL ?? 'http://127.0.0.1:8000'
const PORT = Number(process.env.PORT ?? 8080)
const PREFETCH = 8
const RETRY_MS = 1_000
const API_TIMEOUT_MS = 3_000
/** Some work that costs CPU, a few milliseconds. */
const PACKING_ROUNDS = 2_000

const stop = new AbortController()
for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => stop.abort())

const status = { consuming: false, shipped: 0, requeued: 0 }

function say(event: string, facts: object = {}): void {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), event, ...facts })}\n`)
}

function pack(order: string): string {
  let seal = order
  for (let round = 0; round < PACKING_ROUNDS; round++) seal = createHash('sha256').update(seal).digest('hex')
  return seal
}

async function ship({ body, ack, requeue }: Delivery): Promise<void> {
  try {
    const order = JSON.parse(body.toString()) as { id: number }
    const seal = pack(body.toString())
    const response = await fetch(`${API_URL}/orders/${order.id}/shipped`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seal }),
      signal: AbortSignal.timeout(API_TIMEOUT_MS),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`the API answered ${response.status}`)
    status.shipped++
    ack()
  } catch (error) {
    status.requeued++
    say('order.requeued', { reason: (error as Error).message })
    await sleep(RETRY_MS)
    requeue()
  }
}

const server = createServer((_request, response) => {
  response.writeHead(status.consuming ? 200 : 503, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(status)}\n`)
}).listen(PORT)

while (!stop.signal.aborted) {
  try {
    await consume({
      url: QUEUE_URL,
      queue: 'orders',
      prefetch: PREFETCH,
      signal: stop.signal,
      onReady: () => {
        status.consuming = true
        say('queue.consuming')
      },
      onDelivery: (delivery) => void ship(delivery),
    })
  } catch (error) {
    say('queue.lost', { reason: (error as Error).message })
  }
  status.consuming = false
  await sleep(RETRY_MS, undefined, { signal: stop.signal }).catch(() => {})
}
say('worker.stopped', { shipped: status.shipped })
server.close()
server.closeAllConnections()
