import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'

/** How a connection fares on its way; all may be changed while connections are open. */
export type TcpWeather = {
  /** Every piece of data is this late, in each direction. */
  delayMs: number
  /** Share of new connections, and of the pieces of data on open ones, at which the connection is reset. */
  lossShare: number
  /** Nothing is accepted: new connections are reset, open ones too when it begins. */
  down: boolean
}

const CALM: TcpWeather = { delayMs: 0, lossShare: 0, down: false }

/** A hop between two services that can be made bad. Disposing it resets what is open. */
export type TcpProxy = AsyncDisposable & {
  readonly port: number
  readonly weather: Readonly<TcpWeather>
  /** What is not named becomes calm. */
  setWeather(weather: Partial<TcpWeather>): void
  /** Connections open now; resets so far. */
  figures(): { open: number; resets: number }
}

/** Passes pieces on after the delay of the moment when they came, in order. */
function delayed(weather: () => TcpWeather, lose: () => boolean): Transform {
  let free = Promise.resolve()
  return new Transform({
    transform(piece, _encoding, done) {
      if (lose()) return
      const dueMs = Date.now() + weather().delayMs
      free = free.then(async () => {
        const waitMs = dueMs - Date.now()
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
        if (!this.destroyed) this.push(piece)
      })
      done()
    },
    flush(done) {
      free.then(() => done())
    },
  })
}

/**
 * Listens on `listen` and forwards to `target`, calm at first. `random` gives 0..1 and decides which connections are lost.
 */
export async function openTcpProxy(options: {
  listen: { host?: string; port?: number }
  target: { host: string; port: number }
  random: () => number
}): Promise<TcpProxy> {
  const { listen, target, random } = options
  let weather = CALM
  let resets = 0
  const open = new Set<() => void>()

  const carry = (client: Socket) => {
    const lost = () => random() < weather.lossShare
    if (weather.down || lost()) {
      resets++
      client.resetAndDestroy()
      return
    }
    const server = connect({ ...target, allowHalfOpen: true })
    const end = () => {
      if (!open.delete(end)) return
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
    const lose = () => {
      if (!lost()) return false
      resets++
      end()
      return true
    }
    open.add(end)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', end)
    }
    let closed = 0
    const close = () => ++closed === 2 && open.delete(end)
    client.on('close', close)
    server.on('close', close)
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      const hop = delayed(() => weather, lose).on('error', end)
      from.pipe(hop).pipe(to)
    }
  }

  const listener = createServer({ allowHalfOpen: true }, carry)
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(listen.port ?? 0, listen.host ?? '127.0.0.1', resolve)
  })
  const resetAll = () => {
    resets += open.size
    for (const end of [...open]) end()
  }
  return {
    port: (listener.address() as AddressInfo).port,
    get weather() {
      return weather
    },
    setWeather(wanted) {
      weather = { ...CALM, ...wanted }
      if (weather.down) resetAll()
    },
    figures: () => ({ open: open.size, resets }),
    async [Symbol.asyncDispose]() {
      resetAll()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}
