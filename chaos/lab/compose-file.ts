import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { z } from 'zod'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

const Service = z.object({
  image: z.string(),
  profiles: z.array(z.string()).default([]),
  restart: z.string(),
  user: z.string().optional(),
  read_only: z.boolean().default(false),
  privileged: z.boolean().default(false),
  network_mode: z.string().optional(),
  pid: z.string().optional(),
  cap_add: z.array(z.string()).default([]),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  mem_limit: z.string(),
  memswap_limit: z.string().optional(),
  cpus: z.coerce.number(),
  pids_limit: z.number(),
  command: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  labels: z.record(z.string(), z.string()).default({}),
  depends_on: z.record(z.string(), z.unknown()).default({}),
  logging: z.object({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  healthcheck: z.object({ test: z.array(z.string()) }),
})
export type Service = z.infer<typeof Service>

const ComposeFile = z.object({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) }).nullable()),
})

/** docker-compose.yml as it is with the environment's variables, or with its defaults. */
export function readComposeFile(env: Record<string, string> = {}): z.infer<typeof ComposeFile> {
  const text = readFileSync(`${ROOT}docker-compose.yml`, 'utf8').replaceAll(
    /\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}/g,
    (_, name: string, standard = '') => env[name] || standard,
  )
  return ComposeFile.parse(parse(text.replaceAll('$$', '$'), { merge: true }))
}

/** `docker-compose`, or the plugin of newer engines; `null` where neither is installed. */
export function findCompose(): string[] | null {
  for (const command of [['docker-compose'], ['docker', 'compose']])
    if (spawnSync(command[0]!, [...command.slice(1), 'version']).status === 0) return command
  return null
}
