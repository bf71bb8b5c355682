import { readFileSync } from 'node:fs'
import { Calibration } from './contracts/assessment.ts'
import { ConfigError, messageOf } from './errors.ts'

/** The failure model that the program runs with. Throws ConfigError where it cannot be used. */
export function readCalibration(): Calibration {
  try {
    return Calibration.parse(JSON.parse(readFileSync(new URL('../models/calibration.json', import.meta.url), 'utf8')))
  } catch (error) {
    throw new ConfigError(`models/calibration.json cannot be used: ${messageOf(error)}`)
  }
}
