import { readFileSync } from 'node:fs'

/**
 * The id of the container that this process runs in, from its mounts (the engine binds `hostname` and `resolv.conf`
 * from a folder named after the container), or `null` outside of one.
 */
export function readOwnContainerId(mountinfoPath = '/proc/self/mountinfo'): string | null {
  try {
    return (
      /\/containers\/([0-9a-f]{64})\/(?:hostname|resolv\.conf|hosts)/.exec(readFileSync(mountinfoPath, 'utf8'))?.[1] ??
      null
    )
  } catch {
    return null
  }
}
