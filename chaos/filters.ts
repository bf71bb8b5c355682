import type { SimulatedEvent } from './lifecycle.ts'
import type { SimulatedContainer } from './simulated-container.ts'

/** The engine's filters: any value of one name, and all names. */
export type Filters = Map<string, string[]>

/** A request that the engine answers with an error. */
export class EngineRefusal extends Error {
  override name = 'EngineRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']

/**
 * Reads the `filters` parameter: `{"name":["a"]}` or the older `{"name":{"a":true}}`. Throws EngineRefusal as the engine
 * would for text that is not JSON and names it does not know.
 */
export function parseFilters(text: string | null, known: string[]): Filters {
  if (text === null || text === '') return new Map()
  let parsed: Record<string, string[] | Record<string, boolean>>
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new EngineRefusal(500, 'invalid character in filters')
  }
  const filters: Filters = new Map()
  for (const [name, values] of Object.entries(parsed)) {
    if (!known.includes(name)) throw new EngineRefusal(400, `Invalid filter '${name}'`)
    const list = Array.isArray(values) ? values : Object.keys(values).filter((value) => values[value])
    const unknown = name === 'status' ? list.find((value) => !STATES.includes(value)) : undefined
    if (unknown !== undefined) throw new EngineRefusal(400, `Invalid filter 'status=${unknown}'`)
    filters.set(name, list)
  }
  return filters
}

const any = (values: string[] | undefined, test: (value: string) => boolean) =>
  values === undefined || values.some(test)
const all = (values: string[] | undefined, test: (value: string) => boolean) =>
  values === undefined || values.every(test)

function hasLabel({ spec }: SimulatedContainer): (wanted: string) => boolean {
  return (wanted) => {
    const [name = '', ...value] = wanted.split('=')
    const actual = spec.labels[name]
    return actual !== undefined && (value.length === 0 || actual === value.join('='))
  }
}

/** Whether `/containers/json` shows the container: names match anywhere, ids from their beginning. */
export function lists(filters: Filters, container: SimulatedContainer): boolean {
  return (
    any(filters.get('id'), (id) => container.id.startsWith(id)) &&
    any(filters.get('name'), (name) => `/${container.spec.name}`.includes(name)) &&
    any(filters.get('status'), (status) => container.status === status) &&
    all(filters.get('label'), hasLabel(container))
  )
}

/** Kinds of events that carry their detail behind a colon match without it, too. */
const WITH_DETAIL = ['health_status', 'exec_create', 'exec_start']

/** Whether `/events` shows the event. */
export function accepts(filters: Filters, { container, action, networkName }: SimulatedEvent): boolean {
  const isContainer = networkName === undefined
  const kind = action.split(':')[0]!
  const isNamed = (wanted: string) => isContainer && (container.id === wanted || container.spec.name === wanted)
  return (
    any(filters.get('type'), (type) => type === (isContainer ? 'container' : 'network')) &&
    any(filters.get('event'), (event) => event === action || (WITH_DETAIL.includes(event) && event === kind)) &&
    any(filters.get('container'), isNamed) &&
    any(filters.get('image'), (image) => isContainer && image === container.spec.image) &&
    all(filters.get('label'), (label) => isContainer && hasLabel(container)(label))
  )
}
