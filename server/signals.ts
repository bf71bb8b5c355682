/** Resolves when the process gets one of these signals; the second one ends it at once. */
export function untilAsked(signals: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      process.once(signal, () => {
        for (const other of signals) process.once(other, () => process.exit(130))
        resolve(signal)
      })
    }
  })
}
