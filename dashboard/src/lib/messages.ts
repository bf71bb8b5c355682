import type {
  ActionKind,
  ActionState,
  Cause,
  ContainerState,
  Health,
  Mode,
  PartStatus,
  Phase,
  RecordingMoment,
} from './api.ts'
import type { Language } from './format.ts'
import type { Mark } from './mark.ts'
import { en, enTerms } from './messages.en.ts'
import { es, esTerms } from './messages.es.ts'
import type { ModeOrigin } from './modes.ts'
import type { SortColumn } from './table.ts'
import type { Theme } from './view.ts'

type Dictionary = typeof en

/** Every visible word of the page; a function where a value goes into the sentence. */
export type Messages = {
  [Key in keyof Dictionary]: Dictionary[Key] extends (...values: infer Values) => string
    ? (...values: Values) => string
    : string
}

/** The words for the values of the contracts. */
export type Terms = {
  mark: Record<Mark, string>
  cause: Record<Cause, string>
  phase: Record<Phase, string>
  action: Record<ActionKind, string>
  actionState: Record<ActionState, string>
  recordingMoment: Record<RecordingMoment, string>
  mode: Record<Mode, string>
  modeMeaning: Record<Mode, string>
  modeFrom: Record<ModeOrigin, string>
  scope: Record<'container' | 'host', string>
  part: Record<'engine' | 'store' | 'audit' | 'model', string>
  partState: Record<PartStatus['state'], string>
  state: Record<ContainerState, string>
  health: Record<Health, string>
  theme: Record<Theme, string>
  column: Record<SortColumn, string>
}

export const MESSAGES: Record<Language, Messages> = { en, es }
export const TERMS: Record<Language, Terms> = { en: enTerms, es: esTerms }
