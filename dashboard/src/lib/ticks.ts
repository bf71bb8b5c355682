import type { ContainerView, LiveEvent } from './api.ts'

export type Tick = Extract<LiveEvent, { type: 'tick' }>

/** Brings containers by id up to date with what a tick says changed. */
export function applyTick(told: Map<string, ContainerView>, { changed, gone }: Pick<Tick, 'changed' | 'gone'>): void {
  for (const id of gone) told.delete(id)
  for (const change of changed) told.set(change.id, { ...told.get(change.id), ...change } as ContainerView)
}
