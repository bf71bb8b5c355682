import type { ServerResponse } from 'node:http'
import { logFrames } from './container-replies.ts'
import { isAlive, type SimulatedContainer } from './simulated-container.ts'
import type { SimulatedHost } from './simulated-host.ts'

type Follower = { response: ServerResponse; wanted: readonly boolean[]; timestamps: boolean; sentUntilMs: number }

/** The open `/logs?follow=1` requests of an engine. */
export type LogFeed = {
  /** Sends from now on what is logged to the wanted streams (standard output, error). */
  attach(container: SimulatedContainer, response: ServerResponse, wanted: readonly boolean[], timestamps: boolean): void
  /** Sends what is new, and ends the streams of containers that do not run any more. */
  flush(): void
}

export function createLogFeed(host: SimulatedHost): LogFeed {
  const followers = new Map<string, Set<Follower>>()

  const send = ({ logs }: SimulatedContainer, follower: Follower) => {
    const { response, wanted, timestamps, sentUntilMs } = follower
    const first = logs.findLastIndex(({ atMs }) => atMs <= sentUntilMs) + 1
    const lines = logs.slice(first).filter(({ stream }) => wanted[stream - 1])
    follower.sentUntilMs = logs.at(-1)?.atMs ?? sentUntilMs
    if (lines.length > 0) response.write(logFrames(lines, timestamps))
  }

  return {
    attach(container, response, wanted, timestamps) {
      response.writeHead(200)
      response.flushHeaders()
      const follower = { response, wanted, timestamps, sentUntilMs: host.nowMs() }
      const siblings = followers.get(container.id) ?? new Set()
      followers.set(container.id, siblings.add(follower))
      response.on('close', () => {
        siblings.delete(follower)
        if (siblings.size === 0 && followers.get(container.id) === siblings) followers.delete(container.id)
      })
    },
    flush() {
      for (const [id, listening] of followers) {
        const container = host.containers.get(id)
        for (const follower of listening) {
          if (container !== undefined) send(container, follower)
          if (container === undefined || !isAlive(container)) follower.response.end()
        }
      }
    },
  }
}
