import { relative } from 'node:path'
import type { FoundRunbook } from '../../server/act/runbooks.ts'
import { durationInWords, shareInWords } from '../../server/analyse/words.ts'
import type { Runbook } from '../../server/contracts/runbook.ts'
import type { Trial } from '../../server/runbook-trial.ts'

type Problem = { file: string; line: number; column: number; text: string }

/** What files and containers say may hold control characters: on a terminal they would be commands. */
const plain = (text: string): string => text.replace(/\p{Cc}|\p{Cf}/gu, '?')

const pathOf = (file: string): string => {
  const near = relative('', file)
  return near.startsWith('..') ? file : near
}

/** A problem as compilers say it. */
export const problemText = ({ file, line, column, text }: Problem): string =>
  plain(`${pathOf(file)}:${line}:${column}: ${text}`).concat('\n')

/** The solutions in their order, each with its confidence. */
export const ladderText = ({ solutions }: Runbook): string =>
  solutions
    .map(({ action, confidence, attempts, raiseBy, leaseMinutes }) =>
      [
        action,
        ...(raiseBy === undefined ? [] : [`× ${raiseBy}`]),
        ...(leaseMinutes === undefined ? [] : [`for ${durationInWords(leaseMinutes * 60_000)}`]),
        ...(confidence === undefined ? [] : [`from ${shareInWords(confidence)}`]),
        ...(attempts === 1 ? [] : [`up to ${attempts} times`]),
      ].join(' '),
    )
    .join(', then ')

/** Runbooks for people: name, trigger, ladder, whether it counts, where it is from. */
export function listText(found: readonly FoundRunbook[]): string {
  return found
    .map(({ file, runbook }) => {
      const { name, title, enabled, trigger, conditions } = runbook
      const where = conditions.map(({ fact, ...comparison }) => {
        const [how, value] = Object.entries(comparison)[0]!
        return `${fact} ${how.replace(/[A-Z]/, (letter) => ` ${letter.toLowerCase()}`)} ${value}`
      })
      return plain(`${name}${enabled ? '' : ' (not enabled)'}: ${title}`)
        .concat('\n')
        .concat(
          [
            `  when  ${trigger.causes.join(' or ')}, light ${trigger.light}${where.length > 0 ? `; ${where.join('; ')}` : ''}`,
            `  then  ${ladderText(runbook)}`,
            `  from  ${pathOf(file)}`,
          ]
            .map(plain)
            .join('\n'),
        )
        .concat('\n')
    })
    .join('')
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const pad = (texts: readonly string[]): ((text: string) => string) => {
  const width = Math.max(0, ...texts.map(({ length }) => length))
  return (text) => text.padEnd(width)
}

/** A trial for people: the sum in one sentence, then a line a firing, oldest first. */
export function trialText({ name, trigger }: Runbook, { incidents, firings, passed }: Trial, days: number): string {
  const count = (verdict: string) => firings.filter((one) => one.verdict === verdict).length
  const lines = [
    `${name} would have fired ${counted(firings.length, 'time')} in ${counted(incidents, 'incident')} of the last ${counted(days, 'day')}, ` +
      `${count('wrong')} of them wrongly, ${count('unknown')} could not be told.`,
  ]
  const padName = pad(firings.map(({ containerName }) => containerName))
  const padAction = pad(firings.map(({ action }) => action))
  for (const { at, containerName, action, probability, verdict, outcome } of firings) {
    const time = new Date(at).toISOString().replace('T', ' ').replace(/\..*/, 'Z')
    lines.push(
      `${time}  ${padName(containerName)}  ${padAction(action)} at ${shareInWords(probability)}  ${verdict.padEnd(7)}  ${outcome}`,
    )
  }
  const missing = passed.filter((one) => one.missing.length > 0)
  if (missing.length > 0) {
    const facts = [...new Set(missing.flatMap((one) => one.missing))].join(', ')
    lines.push(`In ${missing.length} more it cannot be told whether it would have fired; not stored then: ${facts}.`)
  }
  const unsure = passed.filter(({ reason }) => reason.startsWith('it fits, but')).length
  if (unsure > 0) lines.push(`In ${unsure} more it fitted, and no solution was sure enough.`)
  if (trigger.light === 'medium')
    lines.push('A medium light outside an incident is stored without its cause: such moments are not counted.')
  return `${lines.map(plain).join('\n')}\n`
}
