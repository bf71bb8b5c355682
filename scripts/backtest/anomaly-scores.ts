import { ANOMALY_ALARM_FROM } from '../../server/analyse/anomaly.ts'
import { mean } from './bootstrap.ts'
import type { AnomalyFigures } from './figures.ts'
import type { SeriesLabels } from './labels.ts'
import { NAB_PROFILES, type NabProfile, nabScore, nabSweep } from './nab-score.ts'
import { vusPr } from './vus-pr.ts'

/** The scores of a labelled series, one a row. */
export type LabelledScores = { scores: Float64Array; labels: SeriesLabels }

function nabFigures(files: readonly LabelledScores[]): AnomalyFigures['nab'] {
  const scored = files.map(({ scores, labels }) => ({ scores, windows: labels.windows ?? [] }))
  const of = (profile: NabProfile) => {
    const { score, threshold } = nabSweep(scored, profile)
    return {
      sweep: score,
      sweepThreshold: Number.isFinite(threshold) ? threshold : null,
      shipped: nabScore(scored, ANOMALY_ALARM_FROM, profile),
    }
  }
  return {
    standard: of(NAB_PROFILES.standard),
    lowFalsePositives: of(NAB_PROFILES.lowFalsePositives),
    lowFalseNegatives: of(NAB_PROFILES.lowFalseNegatives),
  }
}

const stretches = ({ labels }: LabelledScores) =>
  labels.windows?.length ?? labels.rows.filter((label, row) => label === 1 && labels.rows[row - 1] !== 1).length

/** Scores of a folder's labelled series (at least one): NAB where the labels are windows, VUS-PR for all. */
export function scoreAnomalies(folder: string, files: readonly LabelledScores[]): AnomalyFigures {
  const anomalies = files.reduce((sum, file) => sum + stretches(file), 0)
  const windowed = files.every(({ labels }) => labels.windows !== null)
  const volumes = files
    .map(({ scores, labels }) =>
      vusPr(
        scores.map((score) => (Number.isNaN(score) ? 0 : score)),
        labels.rows,
      ),
    )
    .filter((volume) => volume !== null)
  return {
    folder,
    files: files.length,
    anomalies,
    nab: windowed && anomalies > 0 ? nabFigures(files) : null,
    vusPr: volumes.length > 0 ? mean(volumes) : null,
  }
}
