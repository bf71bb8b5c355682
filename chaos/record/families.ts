import { createRandom, hashText } from '../random.ts'
import { LOGGING_FAMILIES } from './families-that-log.ts'
import { FAMILIES_TO_FIT } from './families-to-fit.ts'
import { FAMILIES_TO_TEST } from './families-to-test.ts'
import type { Draw, Family, RunPlan } from './run-plan.ts'

const MIB = 1024 ** 2

/** All families of recorded programs; `use` is the split between what the model is fitted on and what it is tested on. */
export const FAMILIES: readonly Family[] = [...FAMILIES_TO_FIT, ...FAMILIES_TO_TEST, ...LOGGING_FAMILIES]

function createDraw(seed: number, parameters: Record<string, number>): Draw {
  const random = createRandom(seed)
  return (name, from, to, scale = 'even') => {
    const share = random.next()
    const value =
      scale === 'log'
        ? from * (to / from) ** share
        : scale === 'whole'
          ? Math.floor(from + share * (to - from + 1))
          : from + share * (to - from)
    const figure = Number(value.toPrecision(4))
    parameters[name] = figure
    return figure
  }
}

/** The plan of the run of a family with a seed; the same again for the same. */
export function planRun({ name, kind, use, plan }: Family, seed: number): RunPlan {
  const parameters: Record<string, number> = {}
  const {
    program,
    seconds,
    memoryMib,
    cpuCores,
    pidsLimit,
    restarts,
    health,
    acts = [],
  } = plan(createDraw(hashText(`${name}/${seed}`), parameters))
  return {
    family: name,
    kind,
    use,
    seed,
    parameters,
    program,
    container: {
      memoryBytes: Math.round(memoryMib) * MIB,
      restartPolicy: restarts === true ? 'on-failure' : 'no',
      ...(cpuCores === undefined ? {} : { cpuCores }),
      ...(pidsLimit === undefined ? {} : { pidsLimit }),
      ...(health === undefined ? {} : { health }),
    },
    acts,
    seconds,
  }
}
