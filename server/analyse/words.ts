/** Three significant figures, without trailing zeros. */
function figures(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** Bytes for people: binary units, three significant figures. */
export function bytesInWords(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${figures(value)} ${units[unit]}`
}

/** A duration for people: `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationInWords(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** A share 0..1 as per cent: `87 %`. */
export function shareInWords(share: number): string {
  return `${Math.round(share * 100)} %`
}
