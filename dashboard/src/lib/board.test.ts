import { describe, expect, it } from 'vitest'
import type { ContainerView } from './api.ts'
import { groupByProject, planBoard, shortName } from './board.ts'
import { containerView } from './testing.ts'

/** The board of a 1920 × 1080 screen beside side bar and incidents, in rem. */
const WIDTH = 73
const HEIGHT = 54

const fleet = (count: number, different: (index: number) => Partial<ContainerView> = () => ({})): ContainerView[] =>
  Array.from({ length: count }, (_, index) => {
    const composeProject = `project-${Math.floor(index / 14)}`
    return containerView({ name: `${composeProject}-service-${index}`, composeProject, ...different(index) })
  })

describe('the board', () => {
  it('makes tiles smaller as there are more of them, and shows 150 on one screen', () => {
    const sizes = [5, 13, 30, 150].map((count) => planBoard(fleet(count), WIDTH, HEIGHT))
    expect(sizes.map(({ size }) => size)).toEqual(['xl', 'xl', 'm', 'xs'])
    expect(sizes.every(({ folded }) => folded.length === 0)).toBe(true)
  })

  it('folds calm containers where not even the smallest tiles fit', () => {
    const plan = planBoard(fleet(400), WIDTH, HEIGHT)
    const shown = plan.groups.flatMap((group) => group.containers)
    expect(plan.folded.length).toBeGreaterThan(200)
    expect(shown.length + plan.folded.length).toBe(400)
  })

  it('folds those that do not run, too, but none in trouble', () => {
    const folded = (different: Partial<ContainerView>) =>
      planBoard(
        fleet(3, () => different),
        0,
        0,
      ).folded.length
    expect(folded({ state: 'exited', probability: null, freshness: 'stale' })).toBe(3)
    expect(folded({ state: 'restarting', light: 'critical', freshness: 'stale' })).toBe(0)
  })

  it('never folds one that needs a look', () => {
    const containers = fleet(400, (index) => {
      if (index === 399) return { light: 'critical' }
      if (index === 398) return { openIncidentId: 'f3b0c442-98fc-4c14-9afb-f4c8996fb924' }
      return index === 397 ? { freshness: 'stale', probability: null } : {}
    })
    const folded = planBoard(containers, WIDTH, HEIGHT).folded.map(({ name }) => name)
    expect(folded.some((name) => /-39[789]$/.test(name))).toBe(false)
  })

  it('shows all when asked to', () => {
    expect(planBoard(fleet(400), WIDTH, HEIGHT, true).folded).toEqual([])
  })

  it('bears a window without room and an engine without containers', () => {
    expect(planBoard(fleet(3), 0, 0).folded).toHaveLength(3)
    expect(planBoard([], WIDTH, HEIGHT).groups).toEqual([])
  })
})

it('keeps a container in its place whatever its state: by project, then by name as people count', () => {
  const names = ['shop-web-10', 'shop-web-2', 'lone', 'auth-api-1']
  const projects = ['shop', 'shop', null, 'auth']
  const groups = groupByProject(
    names.map((name, index) => containerView({ name, composeProject: projects[index] ?? null, light: 'critical' })),
  )
  expect(groups.map(({ project, containers }) => [project, containers.map(({ name }) => name)])).toEqual([
    ['auth', ['auth-api-1']],
    ['shop', ['shop-web-2', 'shop-web-10']],
    [null, ['lone']],
  ])
})

it('leaves the project out of a name that begins with it', () => {
  const short = (name: string, composeProject: string | null) => shortName(containerView({ name, composeProject }))
  expect(short('shop-api-1', 'shop')).toBe('api-1')
  expect(short('shop_api_1', 'shop')).toBe('api_1')
  expect(short('shopping-1', 'shop')).toBe('shopping-1')
  expect(short('shop-', 'shop')).toBe('shop-')
  expect(short('lone', null)).toBe('lone')
})
