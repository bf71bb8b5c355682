import type { ContainerView } from './api.ts'
import type { Language } from './format.ts'
import { MARKS, type Mark, markOf } from './mark.ts'
import { isSortColumn, type Sort } from './table.ts'

export const WINDOWS = [5, 15, 60, 360] as const
export type WindowMinutes = (typeof WINDOWS)[number]

export const THEMES = ['dark', 'light', 'system'] as const
export type Theme = (typeof THEMES)[number]

/** Everything a reader has chosen. It lives in the page's address, so that a screen can be bookmarked and shared. */
export type View = {
  search: string
  /** A compose project; `''` for the containers of none, `null` for all. */
  project: string | null
  marks: readonly Mark[]
  onlyIncidents: boolean
  windowMinutes: WindowMinutes
  /** The `key` of the selected container, which outlives its re-creation. */
  selected: string | null
  sort: Sort
  /** Whether the board shows the calm containers that do not fit. */
  unfolded: boolean
  kiosk: boolean
  /** `null` follows the browser. */
  language: Language | null
  theme: Theme
}

const oneOf = <T extends string>(values: readonly T[], text: string | null, otherwise: T): T =>
  values.find((value) => value === text) ?? otherwise

function readSort(text: string | null): Sort {
  const column = text?.replace(/^-/, '') ?? ''
  if (!isSortColumn(column)) return { column: 'probability', descending: true }
  return { column, descending: text?.startsWith('-') ?? false }
}

/** Reads the view from an address; whatever makes no sense there counts as not said. */
export function readView(address: Pick<URLSearchParams, 'get'>): View {
  const chosen = address.get('light')?.split(',')
  const marks = MARKS.filter((mark) => chosen?.includes(mark))
  const language = address.get('lang')
  const minutes = Number(address.get('window'))
  return {
    search: address.get('search') ?? '',
    project: address.get('project'),
    marks: marks.length > 0 ? marks : MARKS,
    onlyIncidents: address.get('incidents') === '1',
    windowMinutes: WINDOWS.find((window) => window === minutes) ?? 15,
    selected: address.get('container'),
    sort: readSort(address.get('sort')),
    unfolded: address.get('unfold') === '1',
    kiosk: address.get('kiosk') === '1',
    language: language === 'en' || language === 'es' ? language : null,
    theme: oneOf(THEMES, address.get('theme'), 'dark'),
  }
}

/** The query string of a view, with only what differs from the ordinary one: `?light=critical&window=60`. */
export function writeView(view: View): string {
  const address = new URLSearchParams()
  if (view.search) address.set('search', view.search)
  if (view.project !== null) address.set('project', view.project)
  if (view.marks.length < MARKS.length) address.set('light', view.marks.join(','))
  if (view.onlyIncidents) address.set('incidents', '1')
  if (view.windowMinutes !== 15) address.set('window', String(view.windowMinutes))
  if (view.selected !== null) address.set('container', view.selected)
  const sort = `${view.sort.descending ? '-' : ''}${view.sort.column}`
  if (sort !== '-probability') address.set('sort', sort)
  if (view.unfolded) address.set('unfold', '1')
  if (view.kiosk) address.set('kiosk', '1')
  if (view.language !== null) address.set('lang', view.language)
  if (view.theme !== 'dark') address.set('theme', view.theme)
  const query = address.toString()
  return query && `?${query}`
}

/** Whether the filters let a container through. The search looks at names, image and project. */
export function matches(view: View, container: ContainerView): boolean {
  if (view.project !== null && (container.composeProject ?? '') !== view.project) return false
  if (!view.marks.includes(markOf(container))) return false
  if (view.onlyIncidents && container.openIncidentId === null) return false
  const search = view.search.trim().toLowerCase()
  const { name, image, composeProject, composeService } = container
  return (
    search === '' || [name, image, composeProject, composeService].some((text) => text?.toLowerCase().includes(search))
  )
}
