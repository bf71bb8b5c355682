import type { ContainerView, IncidentView, SampleColumns } from '../contracts/api.ts'
import type { Autonomy, ModeChange, StopChange } from '../contracts/autonomy.ts'
import type { RecordingEntry } from '../contracts/black-box.ts'
import type { CalibrationChange, ScoreboardView } from '../contracts/scoreboard.ts'
import type { ServiceStatus } from '../contracts/status.ts'

/** What the HTTP rooms need of the program; the composition root supplies it. */
export type Service = {
  now(): number
  status(): ServiceStatus
  scoreboard(): ScoreboardView
  /** Allows the program's own corrections of its model, or takes them back. */
  setCalibration(change: CalibrationChange): Promise<ScoreboardView>
  autonomy(): Autonomy
  /** Sets or takes back a mode; throws RequestError where there is no such container or project. */
  setMode(change: ModeChange): Promise<Autonomy>
  /** The stop switch. */
  setStop(change: StopChange): Promise<Autonomy>
  containers(): ContainerView[]
  /** `null` where no sample of such a container is known. */
  samples(query: { containerId: string; fromMs: number; toMs: number; stepMs: number }): Promise<SampleColumns | null>
  incidents(query: { limit: number; offset: number; open?: boolean }): Promise<IncidentView[]>
  incident(id: string): Promise<IncidentView | null>
  /** Takes an operator's word on an action; throws RequestError with the reason where it cannot be taken. */
  answer(actionId: string, word: 'approve' | 'reject', reason: string): Promise<IncidentView>
  /** A viewer wanted something changed: `what` is the method and path. */
  viewerRefused(what: string): void
  /** The audit report as a whole HTML page, or `null` for an unknown incident. */
  report(incidentId: string): Promise<string | null>
  /** What the black box kept of an incident, or `null` for an unknown one. */
  recordings(incidentId: string): Promise<RecordingEntry[] | null>
  /** One recording as the JSON that was hashed, or `null`; throws RequestError where it is damaged. */
  recording(incidentId: string, number: number): Promise<string | null>
}
