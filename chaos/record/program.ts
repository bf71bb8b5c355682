/**
 * What a recorded program does. Expressions are awk's, of `t` (seconds since its start), `life` (0 in the first life of
 * the container) and the functions of the harness: `noise()` (roughly normal, deviation 1), `phase(t, period)` (0..1),
 * `wave(t, period)` (nearly a sine), `fade(x)` (nearly exp(-x)), `between(t, a, b)` (0 or 1), `up(t, a, b)` (0 before a, 1
 * after b, a line in between), `min`, `max`. Busybox's awk has no mathematics of its own, and never gives back what `delete`
 * removes.
 */
export type Program = {
  /** Anonymous memory it holds, in MiB. */
  memoryMib: string
  /** CPU it wants, in cores. */
  cores: string
  /** It ends by itself when this is above 0, with that exit code. */
  exitCode?: string
  /** Lines that it logs in a second, and reports of errors (`errorText`, without quotes or backslashes but `\n`). */
  logs?: string
  errors?: string
  errorText?: string
  /** How long its health check takes, in seconds. */
  checkSeconds?: string
  /** Its health check fails where this is above 0. */
  checkFails?: string
  /** Memory is held by a child process that is begun again when it ends; else the container ends with it. */
  inChild?: boolean
  /** Files it reads and writes, in MiB per second from a second on: page cache. */
  files?: { mibPerSecond: number; mostMib: number; fromSecond: number }
  /** Processes that it leaves behind, one every so many seconds. */
  strays?: { everySeconds: number; fromSecond: number; atOnce: number }
  /** A web server that answers its health check, and is stopped (SIGSTOP) after so many seconds. */
  server?: { stopsAfterSeconds: number | null; goesOnAfterSeconds: number | null }
}

const TICK_SECONDS = 0.25
/** Larger pieces would be steps of their own; smaller ones cost time. */
const CHUNK_BYTES = 65_536
const PORT = 8080

/** The check of a program with a server: Debian's static busybox cannot look up names, so its wget ends in a fault. */
export const SERVER_CHECK = `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 1 127.0.0.1 ${PORT} | grep -q ok`
/** The check of a program that says itself how long it takes and how it ends. */
export const FILE_CHECK = 'read -r seconds code </check && sleep $seconds && exit $code'

/** CPU is burnt until what was wanted by now is used up; what the limit did not give is not made up for beyond 0.3 s. */
function worker(program: Program): string {
  const { memoryMib, cores, exitCode = '0', logs, errors, errorText = 'ERROR', checkSeconds, checkFails } = program
  const logging =
    logs === undefined && errors === undefined
      ? ''
      : `owed += max(0, ${logs ?? '0'}) * (now - before); while (owed >= 1) { print "level=info msg=handled t=" t; owed -= 1 }
  failed += max(0, ${errors ?? '0'}) * (now - before); while (failed >= 1) { print "${errorText}"; failed -= 1 }
  fflush()`
  const check =
    checkSeconds === undefined && checkFails === undefined
      ? ''
      : `if (second != int(t)) { printf "%.2f %d\\n", max(0, ${checkSeconds ?? '0'}), ((${checkFails ?? '0'}) > 0) >"/check.new"
    close("/check.new"); system("mv /check.new /check") }`
  return `
function uptime(  line, part) { getline line <"/proc/uptime"; close("/proc/uptime"); split(line, part, " "); return part[1] }
function used(  line, part) { getline line <"/proc/self/stat"; close("/proc/self/stat"); sub(/^.*\\) /, "", line); split(line, part, " "); return (part[12] + part[13]) / 100 }
function noise() { return (rand() + rand() + rand() - 1.5) * 2 }
function min(a, b) { return a < b ? a : b }
function max(a, b) { return a > b ? a : b }
function phase(t, period) { return t / period - int(t / period) }
function wave(t, period,  x) { x = 2 * phase(t, period); return x < 1 ? 4 * x * (1 - x) : -4 * (x - 1) * (2 - x) }
function fade(x) { x = 1 / (1 + x / 16); x *= x; x *= x; x *= x; return x * x }
function between(t, a, b) { return t >= a && t < b }
function up(t, a, b) { return t <= a ? 0 : t >= b ? 1 : (t - a) / (b - a) }
BEGIN { srand(seed + 1000 * life); began = uptime(); before = began; second = -1; due = used() }
{
  now = uptime(); t = now - began
  code = ${exitCode}
  if (code > 0) exit code
  want = (${memoryMib}) * 1048576
  while (held < want && uptime() - now < 1) { for (i = 0; i < 16 && held < want; i++) { kept[n++] = sprintf("%${CHUNK_BYTES}s", ""); held += ${CHUNK_BYTES} } }
  while (held - ${CHUNK_BYTES} > want && n > 0) { kept[--n] = ""; held -= ${CHUNK_BYTES} }
  ${check}
  ${logging}
  due += max(0, ${cores}) * (now - before)
  before = now; second = int(t)
  while ((behind = due - used()) > 0.005 && uptime() - now < ${TICK_SECONDS}) { for (i = 0; i < 1200; i++) spin = spin + i }
  if (behind > 0.3) due = used() + 0.3
}`
}

function background({ files, strays, server }: Program): string[] {
  const parts: string[] = []
  if (server !== undefined) {
    parts.push(`mkdir -p /www && echo ok >/www/index.html; httpd -f -p ${PORT} -h /www & server=$!`)
    if (server.stopsAfterSeconds !== null) {
      const goesOn =
        server.goesOnAfterSeconds === null ? '' : `; sleep ${server.goesOnAfterSeconds}; kill -CONT $server`
      parts.push(`(sleep ${server.stopsAfterSeconds}; kill -STOP $server${goesOn}) &`)
    }
  }
  // Holes of a sparse file fill the cache like data and no disk; a little is really written.
  if (files !== undefined)
    parts.push(`(sleep ${files.fromSecond}; truncate -s ${files.mostMib}M /data; at=0
while :; do dd if=/data of=/dev/null bs=1M skip=$at count=${files.mibPerSecond}
dd if=/dev/zero of=/written bs=64k seek=$((at % 64)) count=1 conv=notrunc
at=$(((at + ${files.mibPerSecond}) % ${files.mostMib})); sleep 1; done) 2>/dev/null &`)
  // "command eval" keeps the shell alive where no process can be started any more.
  if (strays !== undefined)
    parts.push(`(mkfifo /rest; exec 4<>/rest; read -t ${strays.fromSecond} _ <&4
while :; do n=0; while [ $n -lt ${strays.atOnce} ]; do command eval 'sleep 3600 4<&- &' 2>/dev/null; n=$((n + 1)); done
read -t ${strays.everySeconds} _ <&4; done) &`)
  return parts
}

/**
 * A script for busybox's shell that is the container's first process. It ends with exit code 0 on SIGTERM, with the
 * program's own code, or with 137 where the kernel has killed the worker.
 */
export function programScript(program: Program, seed: number): string {
  const work = `while :; do read -t ${TICK_SECONDS} _ <&3; echo; done 2>/dev/null | awk -v seed=${seed} -v life=$life '${worker(program)}'`
  const body = program.inChild === true ? `(while :; do ${work}; sleep 1; done) & wait $!` : `${work} & wait $!`
  return `trap 'exit 0' TERM
life=0; [ -e /life ] && read -r life </life; echo $((life + 1)) >/life
echo '0 0' >/check
[ -e /idle ] || mkfifo /idle; exec 3<>/idle
${background(program).join('\n')}
${body}
exit $?`
}
