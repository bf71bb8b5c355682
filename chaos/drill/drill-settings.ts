/**
 * What every service of a drill, a game day or the demo is set to, on whichever engine: all that can fail there fails
 * within minutes of each other, and the shipped budget of a tenth would only show the budget.
 */
export const DRILL_SETTINGS = { DOCKERPULSE_BUDGET_SHARE: '0.5' } as const
