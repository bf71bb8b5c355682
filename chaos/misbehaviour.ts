import type { ServerResponse } from 'node:http'

/**
 * Ways in which what answers on the socket may not be a well engine: a web server's page, silence, a socket proxy that
 * refuses, stats that make no sense.
 */
export type Misbehaviour = 'none' | 'html' | 'hang' | 'refuse' | 'garbage-stats'

/** Gives the misbehaving answer to a request; false where the request is to be answered properly. */
export function misbehave(mode: Misbehaviour, response: ServerResponse): boolean {
  if (mode === 'none' || mode === 'garbage-stats') return false
  if (mode === 'hang') return true
  const [status, title, text] =
    mode === 'html'
      ? [200, 'Welcome', 'This is a web server.']
      : [403, '403 Forbidden', 'Request forbidden by administrative rules.']
  response.writeHead(status, { 'Content-Type': 'text/html' })
  response.end(
    `<!doctype html><html><head><title>${title}</title></head><body><h1>${title}</h1>\n${text}\n</body></html>\n`,
  )
  return true
}

/** One way after the other to spoil a stats object, given as a line of JSON. */
const SPOILERS: ((line: string) => string)[] = [
  () => '{}\n',
  () => 'null\n',
  () => '[1,2,3]\n',
  (line) => `${line.slice(0, line.length / 2)}\n`,
  (line) => line.replace(/"memory_stats":\{.*\},"name"/, '"memory_stats":{},"name"'),
  (line) => line.replace(/"cpu_stats":\{.*\},"precpu_stats"/, '"cpu_stats":null,"precpu_stats"'),
  (line) => line.replace(/"total_usage":\d+/g, '"total_usage":NaN'),
  (line) => line.replace(/"total_usage":\d+/g, '"total_usage":"many"'),
  (line) => line.replace(/"usage":\d+/g, '"usage":-1'),
  (line) => line.replace(/"usage":\d+/g, '"usage":1e308'),
  (line) => line.replace(/"limit":\d+/g, '"limit":0'),
  (line) => line.replace(/"system_cpu_usage":\d+/g, '"system_cpu_usage":0'),
  (line) => line.replace(/"online_cpus":\d+/g, '"online_cpus":0'),
  (line) => line.replace(/"read":"[^"]*"/, '"read":"yesterday"'),
  (line) => line.replace(/:\d{2,}/g, ':0'),
  (line) => line.replace(/:\d{2,}/g, ':18446744073709551615'),
  (line) => line.replace(/"networks":\{.*\}\}/, '"networks":[]'),
]

/** Spoils each stats line in another way, in turn. */
export function createGarbler(): (line: string) => string {
  let next = 0
  return (line) => {
    const spoil = SPOILERS[next % SPOILERS.length]!
    next += 1
    return spoil(line)
  }
}
