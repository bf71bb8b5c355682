/** What the helper inside a victim does; all amounts are worked out by its caller. */
export type HelperWork =
  | { kind: 'burn'; cores: number }
  /** `stepBytes` 0 is steady; at `untilBytes` all is given back and begins again. */
  | { kind: 'grow'; bytesPerSecond: number; stepBytes: number; untilBytes: number | null }
  | { kind: 'bomb' }
  | { kind: 'cache'; bytes: number }
  | { kind: 'processes'; count: number }
  | { kind: 'fill'; bytes: number }

const BOMB_CHUNK = 4 << 20
const GROW_CHUNKS = { least: 16 << 10, most: 1 << 20 }
/** What a busy host has not given is not made up for beyond so many ticks (1/100 s). */
const MOST_BEHIND = 25
/** A page cache is filled in so many ticks. */
const CACHE_TICKS = 40

type Parts = {
  /** Functions and whatever is begun once. */
  start: string
  /** Done every tick. */
  each: string
  tickSeconds: number
  /** The memory fault must end the container, not its helper: the kernel's choice is led to the main process. */
  endsInOom?: true
}

/** Each worker burns until its own processor time is what it should be by now, so that the share holds under any load. */
function burn(cores: number): Parts {
  const workers = Math.max(1, Math.ceil(cores - 1e-9))
  const percent = Math.round((100 * cores) / workers)
  return {
    tickSeconds: 1,
    start: `clock() { read now _ </proc/uptime; now=\${now%.*}\${now#*.}; }
busy() { read -r stat </proc/self/stat; set -- \${stat##*) }; cpu=$((\${12} + \${13})); }
burn() {
  clock; begun=$now; busy; before=$cpu
  while kill -0 $$ 2>/dev/null && clock && [ "\${now%??}" -lt "$end" ]; do
    busy
    behind=$(((now - begun) * ${percent} / 100 - (cpu - before)))
    [ "$behind" -gt ${MOST_BEHIND} ] && begun=$now && before=$cpu && behind=1
    if [ "$behind" -gt 0 ]; then i=0; while [ $i -lt 1500 ]; do i=$((i + 1)); done; else read -t 0.04 _ <&3; fi
  done
}
n=0
while [ $n -lt ${workers} ]; do burn & pids="$pids $!"; n=$((n + 1)); done`,
    each: '',
  }
}

/**
 * Memory is taken by awk, which hears a tick through a pipe and ends when the pipe does. Two of them take half each: none
 * may be so large that the kernel would choose it before the main process.
 */
function awkWorkers(program: string): Parts {
  return {
    tickSeconds: 0.1,
    endsInOom: true,
    start: `mkfifo ticks1 ticks2
one() { awk '${program}' <ticks1 3<&- 4>&- 5>&- & one=$!; }
two() { awk '${program}' <ticks2 3<&- 4>&- 5>&- & two=$!; }
one; exec 4>ticks1
two; exec 5>ticks2
pids="$one $two"`,
    each: `kill -0 $one 2>/dev/null || { wait $one; one; }
kill -0 $two 2>/dev/null || { wait $two; two; }
pids="$one $two"
echo >&4
echo >&5`,
  }
}

function grow(work: Extract<HelperWork, { kind: 'grow' }>): Parts {
  const [bytesPerSecond, stepBytes] = [work.bytesPerSecond / 2, work.stepBytes / 2]
  const untilBytes = work.untilBytes === null ? null : work.untilBytes / 2
  const chunk = Math.round(Math.min(GROW_CHUNKS.most, Math.max(GROW_CHUNKS.least, bytesPerSecond / 20)))
  const steps = stepBytes > 0 ? `want = int(want / ${Math.round(stepBytes)}) * ${Math.round(stepBytes)}` : ''
  const until = untilBytes === null ? '' : `if (want >= ${Math.round(untilBytes)}) exit`
  return awkWorkers(`
function now(  line, part) { getline line <"/proc/uptime"; close("/proc/uptime"); split(line, part, " "); return part[1] }
BEGIN { begun = now() }
{
  want = ${Math.round(bytesPerSecond)} * (now() - begun)
  ${steps}
  ${until}
  while (held < want) { kept[n++] = sprintf("%${chunk}s", ""); held += ${chunk} }
}`)
}

/** Holes of a sparse file fill the cache like data and no disk; a little is really written. */
function cache(bytes: number): Parts {
  const pieces = Math.max(1, Math.ceil(bytes / CACHE_TICKS / 2 ** 20))
  return {
    tickSeconds: 0.4,
    start: `truncate -s ${pieces * CACHE_TICKS}M data; at=0`,
    each: `dd if=data of=/dev/null bs=1M skip=$((at * ${pieces})) count=${pieces} 2>/dev/null
dd if=/dev/zero of=written bs=256k seek=$((at % 16)) count=1 conv=notrunc 2>/dev/null
at=$(((at + 1) % ${CACHE_TICKS}))`,
  }
}

/** `command eval` keeps the shell alive where no process can be started any more. */
function processes(count: number): Parts {
  return {
    tickSeconds: 0.5,
    start: 'held=0',
    each: `while [ $held -lt ${count} ] && command eval 'sleep $((end - up)) 3<&- & pids="$pids $!"' 2>/dev/null; do held=$((held + 1)); done`,
  }
}

function fill(bytes: number): Parts {
  const blocks = Math.ceil(bytes / 65_536)
  return { tickSeconds: 1, start: `dd if=/dev/zero of=fill bs=64k count=${blocks} 2>/dev/null & pids=$!`, each: '' }
}

function partsOf(work: HelperWork): Parts {
  switch (work.kind) {
    case 'burn':
      return burn(work.cores)
    case 'grow':
      return grow(work)
    case 'bomb':
      return awkWorkers(`{ while (1) kept[n++] = sprintf("%${BOMB_CHUNK}s", "") }`)
    case 'cache':
      return cache(work.bytes)
    case 'processes':
      return processes(work.count)
    case 'fill':
      return fill(work.bytes)
  }
}

/**
 * A script for busybox's shell. It ends after `seconds`, on SIGTERM, or when a file `stop` appears beside it, ends and
 * buries its children, puts back what it changed and removes its folder. It starts a process only where it must: a main
 * process that buries nobody would keep it as a zombie, and none can be started at the PID limit.
 */
export function helperScript(work: HelperWork, options: { folder: string; seconds: number; oomScore: number }): string {
  const { start, each, tickSeconds, endsInOom } = partsOf(work)
  const led = endsInOom === true
  return `cd ${options.folder} || exit 1
over=; pids=
trap 'over=1' TERM INT HUP
trap '' PIPE
read up _ </proc/uptime; up=\${up%.*}; end=$((up + ${Math.ceil(options.seconds)}))
mkfifo idle && exec 3<>idle || exit 1
${led ? '{ echo 1000 >/proc/1/oom_score_adj; } 2>/dev/null' : ''}
${start}
while [ -z "$over" ] && [ ! -e stop ] && [ "$up" -lt "$end" ]; do
${each}
read -t ${tickSeconds} _ <&3
read up _ </proc/uptime; up=\${up%.*}
done
trap '' TERM INT HUP
[ -n "$pids" ] && kill -9 $pids 2>/dev/null
wait
${led ? `{ echo ${options.oomScore} >/proc/1/oom_score_adj; } 2>/dev/null` : ''}
cd / && rm -rf ${options.folder}
`
}
