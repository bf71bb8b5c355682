import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { messageOf, StoreError } from '../errors.ts'
import { migrate } from './migrations.ts'
import { readWhole, rescue } from './rescue.ts'

export type Database = AsyncDisposable & {
  /** What had to be set aside or is missing since the last run, one sentence each. */
  readonly repairs: readonly string[]
  /** Runs `job` alone on the writing connection, in one transaction. */
  write<T>(job: (connection: DuckDBConnection) => Promise<T>): Promise<T>
  /** Runs `job` on the reading connection, beside the writer. */
  read<T>(job: (connection: DuckDBConnection) => Promise<T>): Promise<T>
  /** Bytes on disk, write-ahead log included. */
  sizeBytes(): number
}

/** Two shared cores and a watcher that must not cost what it watches. */
function optionsFor(folder: string, memoryLimitMegabytes: number): Record<string, string> {
  return {
    threads: '2',
    default_block_size: '16384',
    memory_limit: `${memoryLimitMegabytes}MB`,
    temp_directory: join(folder, 'duckdb-temp'),
    max_temp_directory_size: '1GB',
    preserve_insertion_order: 'false',
    // What the log holds is in memory too, as it came.
    checkpoint_threshold: '2MB',
    allow_community_extensions: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  }
}

/** Where the archive of a database lies. */
export const archiveFolderOf = (path: string): string => join(dirname(path), 'history')

/** From here on the database reads and writes nothing but itself and its archive, whatever a query says. */
async function confine(connection: DuckDBConnection, archiveFolder: string): Promise<void> {
  const folder = `${archiveFolder}/`.replaceAll("'", "''")
  await connection.run(`SET allowed_directories = ['${folder}']`)
  await connection.run('SET enable_external_access = false')
  await connection.run('SET lock_configuration = true')
}

type Connections = { instance: DuckDBInstance; writer: DuckDBConnection; reader: DuckDBConnection }

type Damage = 'log' | 'file' | null

function damageOf(message: string): Damage {
  if (/replaying WAL|Corrupt WAL/i.test(message)) return 'log'
  return /Corrupt database file|not a valid DuckDB database|Could not read enough bytes|checksum/i.test(message)
    ? 'file'
    : null
}

/** What a person must do about a file that cannot be opened and is not damaged. */
function explained(error: unknown, path: string): StoreError {
  const message = messageOf(error)
  const holder = /Conflicting lock is held in (.+?) ?\(PID (\d+)\)/.exec(message)
  if (holder) {
    return new StoreError(
      `${path} is in use by another process (PID ${holder[2]}, ${holder[1]}): stop it, or set DOCKERPULSE_DATA to another folder`,
      { cause: error },
    )
  }
  if (/version number|newer version/i.test(message))
    return new StoreError(
      `${path} was written by a newer DuckDB: update DockerPulse, or set DOCKERPULSE_DATA to another folder. Nothing was changed. (${message})`,
      { cause: error },
    )
  if (/No space left|disk full/i.test(message))
    return new StoreError(
      `no space left for ${path}: free some, or set DOCKERPULSE_DATA to another disk. Nothing was changed.`,
      { cause: error },
    )
  return new StoreError(`cannot open ${path}: ${message}`, { cause: error })
}

/** An instance that DuckDB has given up: every further call fails until it is opened again. */
function isDead(message: string): boolean {
  return /FATAL|database has been invalidated|must be restarted|autocheckpoint failed/i.test(message)
}

/**
 * Opens the database at `path`, making it where there is none, and reads it whole. A damaged write-ahead log or file is
 * renamed to `….damaged-<time>` (never deleted) and named in `repairs`; tables that can still be read are kept; a file that is locked, of a newer version or out of space
 * gives StoreError and stays untouched. An instance that DuckDB invalidates later is opened again.
 */
export async function openDatabase(options: {
  path: string
  memoryLimitMegabytes: number
  now: () => number
}): Promise<Database> {
  const { path, memoryLimitMegabytes, now } = options
  const archiveFolder = archiveFolderOf(path)
  mkdirSync(dirname(path), { recursive: true })
  const repairs: string[] = []
  const setAside = (file: string, what: string) => {
    if (!existsSync(file)) return
    const aside = `${file}.damaged-${new Date(now()).toISOString().replaceAll(':', '')}`
    renameSync(file, aside)
    repairs.push(`${what} was damaged and set aside as ${aside}`)
  }

  const probe = async (): Promise<DuckDBInstance> => {
    const instance = await DuckDBInstance.create(path, optionsFor(dirname(path), memoryLimitMegabytes))
    const connection = await instance.connect()
    try {
      await confine(connection, archiveFolder)
      await migrate(connection)
      await readWhole(connection)
      return instance
    } catch (error) {
      instance.closeSync()
      throw error
    } finally {
      connection.closeSync()
    }
  }

  /** What can still be read of the file goes into a new one. */
  const replaceFile = async () => {
    const fresh = `${path}.rescued`
    const rescued = await rescue(path, fresh, optionsFor(dirname(path), memoryLimitMegabytes))
    setAside(path, 'the database file')
    setAside(`${path}.wal`, 'the write-ahead log')
    if (rescued === null) return
    renameSync(fresh, path)
    repairs.push(
      rescued.lost.length === 0
        ? 'all tables of the damaged file could be read and were kept'
        : `of the damaged file these tables could not be read: ${rescued.lost.join(', ')}; the others were kept`,
    )
  }

  /** At most the log and then the file can be set aside: three tries see it through. */
  const open = async (): Promise<DuckDBInstance> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await probe()
      } catch (error) {
        if (error instanceof StoreError) throw error
        const damage = damageOf(messageOf(error))
        if (damage === null || attempt === 3) throw explained(error, path)
        const log = `${path}.wal`
        if (damage === 'log' && existsSync(log)) setAside(log, 'the write-ahead log')
        else await replaceFile()
      }
    }
  }

  const connect = async (): Promise<Connections> => {
    const instance = await open()
    return { instance, writer: await instance.connect(), reader: await instance.connect() }
  }

  let connections: Connections | null = await connect()
  let opening: Promise<Connections> | null = null
  const reads = new Set<Promise<unknown>>()
  let queue: Promise<unknown> = Promise.resolve()
  let closed = false

  /** The connections, opened again where DuckDB gave them up; where that fails, the next call tries again. */
  const connected = async (): Promise<Connections> => {
    if (closed) throw new StoreError('the database is closed')
    if (connections !== null) return connections
    opening ??= connect().finally(() => {
      opening = null
    })
    connections = await opening
    return connections
  }

  /** Closes once nobody reads any more: a query on a closed connection would end the process. */
  const abandon = async (old: Connections) => {
    if (connections !== old) return
    connections = null
    await Promise.allSettled(reads)
    old.reader.closeSync()
    old.writer.closeSync()
    old.instance.closeSync()
  }

  const inTransaction = async <T>(job: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    const current = await connected()
    try {
      await current.writer.run('BEGIN')
      const result = await job(current.writer)
      await current.writer.run('COMMIT')
      return result
    } catch (error) {
      if (isDead(messageOf(error))) await abandon(current)
      else await current.writer.run('ROLLBACK').catch(() => {})
      throw error
    }
  }

  const reading = async <T>(job: (connection: DuckDBConnection) => Promise<T>): Promise<T> => {
    const current = await connected()
    const run = job(current.reader)
    const settled = run.catch(() => {})
    reads.add(settled)
    try {
      return await run
    } catch (error) {
      if (isDead(messageOf(error))) enqueue(() => abandon(current))
      throw error
    } finally {
      reads.delete(settled)
    }
  }

  const enqueue = <T>(turn: () => Promise<T>): Promise<T> => {
    const done = queue.then(turn)
    queue = done.catch(() => {})
    return done
  }

  return {
    repairs,
    write: (job) => enqueue(() => inTransaction(job)),
    read: reading,
    sizeBytes: () => [path, `${path}.wal`].reduce((sum, file) => sum + (existsSync(file) ? statSync(file).size : 0), 0),
    async [Symbol.asyncDispose]() {
      if (closed) return
      await queue
      closed = true
      const last = connections
      if (last !== null) {
        await last.writer.run('CHECKPOINT').catch(() => {})
        await abandon(last)
      }
      rmSync(join(dirname(path), 'duckdb-temp'), { recursive: true, force: true })
    },
  }
}
