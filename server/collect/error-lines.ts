/** Of a line so much is looked at: what it is stands at its beginning, and a hostile one costs no more. */
const LOOKED_AT = 400

/** Colours, as JSON writes them. */
const COLOUR = /\\u001b\[[\d;]{0,12}m/g

/**
 * What programs write where they report an error: a level in capitals (`ERROR`, `FATAL`); a field of that name (`level=error`,
 * `"level":50` of pino, `"s":"E"` of MongoDB), also with the quotes escaped as in the engine's JSON; a word in brackets
 * (nginx, Apache); a word before a colon (`error:`, `panic:`); an exception's own line; and klog's `E0102 15:04`. The lines
 * of a stack trace below it are not counted.
 */
const SIGNS = [
  /(?:^|[^\w-])(?:ERROR|FATAL|CRITICAL|PANIC|EMERG|EMERGENCY|ALERT|SEVERE)(?![\w-])/,
  /(?:^|\W)(?:level|lvl|severity|levelname)\\?"?[=:] ?\\?"?(?:error|err|fatal|critical|crit|panic|emerg|alert|Error|Fatal|Critical|[56]0)(?![\w-])/,
  /(?:^|\W)s\\?":\s?\\?"[EF]\\?"/,
  /\[(?:\w{1,20}:)?(?:error|crit|alert|emerg)\]/,
  /(?:^|[\s\]|>])(?:[Ee]rror|[Ff]atal(?: error)?|panic|[Cc]ritical|fail):(?:\s|$)/,
  /^(?:Uncaught|Unhandled|Traceback \(most recent call last\))/,
  /(?:^|[\s.(])[A-Z]\w{0,60}(?:Error|Exception)(?::\s|\r?$|\\n|\\r)/,
  /^[EF]\d{4} \d\d:\d\d/,
]

/** Whether a line of a log reports an error. */
export function isErrorLine(line: string): boolean {
  const text = line.slice(0, LOOKED_AT).replace(COLOUR, '')
  return SIGNS.some((sign) => sign.test(text))
}

/** What stands before the text of a line in the engine's JSON files. */
const JSON_START = '{"log":"'

/** How many lines of a piece of a log, as the engine's json-file driver writes it, report an error. */
export function errorLinesIn(piece: string): number {
  let count = 0
  for (let start = 0; start < piece.length; ) {
    const found = piece.indexOf('\n', start)
    const end = found === -1 ? piece.length : found
    const from = piece.startsWith(JSON_START, start) ? start + JSON_START.length : start
    if (isErrorLine(piece.slice(from, Math.min(end, from + LOOKED_AT)))) count += 1
    start = end + 1
  }
  return count
}
