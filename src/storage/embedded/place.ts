import { chmod, chown, link, mkdir, readFile, realpath, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { randomBase62 } from '../../runtime/ids.ts'
import { type Binaries, runnableBinaries, runsFrom } from './binaries.ts'
import { explainFile, isCode, isMissing } from './problems.ts'
import { canRead, chooseUser, isRoot, type RunAs } from './user.ts'

/** Kept as `postgres.json` in the data directory. */
export interface PlaceRecord {
  /** Names the database: its socket folder and, when it lies there, its folder under /var/lib/belfry. */
  id: string
  /** True: the database lies in /var/lib/belfry, because its user cannot reach the data directory. */
  relocated: boolean
  /** True once initdb has ended: from then on a missing database is an error, not a first start. */
  initialised: boolean
  /** Where there are no Unix sockets. */
  password: string | null
}

/** Where everything lies, and as whom it runs. */
export interface Place {
  dataDir: string
  record: PlaceRecord
  /** Holds `data`; 0700, owned by `user`. */
  home: string
  /** The database directory itself. */
  cluster: string
  binaries: Binaries
  user: RunAs | null
  logFile: string
}

export interface PlaceOptions {
  dataDir: string
  binaries: Binaries
  /** Root's choice of users. */
  users?: readonly string[]
  /** A password, because there are no Unix sockets. */
  loopback: boolean
}

/** For what the user cannot reach where it is. */
export const shelterRoot = '/var/lib/belfry'
const recordName = 'postgres.json'

/**
 * Finds the database of this data directory, or decides where a new one will lie.
 * @throws {StartError} with one line
 */
export async function openPlace(options: PlaceOptions): Promise<Place> {
  try {
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
    const dataDir = await realpath(options.dataDir)
    const known = await readRecord(dataDir)
    const record = known ?? (await decide(dataDir, options))
    return await enter(dataDir, record, options)
  } catch (error) {
    throw explainFile(error, options.dataDir)
  }
}

/** Written beside and renamed: a crash leaves the old one or the new one. */
export async function writeRecord(dataDir: string, record: PlaceRecord): Promise<void> {
  const file = join(dataDir, recordName)
  const beside = `${file}.${randomBase62(6)}`
  await writeFile(beside, text(record), { mode: 0o600, flush: true })
  await rename(beside, file)
}

async function readRecord(dataDir: string): Promise<PlaceRecord | null> {
  const file = join(dataDir, recordName)
  let content: string
  try {
    content = await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
  try {
    const record = JSON.parse(content) as PlaceRecord
    if (/^[0-9A-Za-z]{8,64}$/.test(record.id)) return record
  } catch {
    // The line below says it.
  }
  throw new StartError(`${file} cannot be read as JSON with an id; put back a backup of it, or move ${dataDir} away.`)
}

/** A new database: in the data directory, or in the shelter when its user cannot use that or the binaries. */
async function decide(dataDir: string, options: PlaceOptions): Promise<PlaceRecord> {
  const user = await chooseUser(options.users)
  const home = homeOf(dataDir, null)
  const occupied = await stat(home).catch(() => null)
  if (occupied) {
    throw new StartError(
      `${home} holds a database but ${recordName} beside it is missing; put that file back, or move ${home} away to begin empty.`,
    )
  }
  const reachable = (await canRead(dataDir, user)) && (await runsFrom(options.binaries, user))
  const record: PlaceRecord = {
    id: randomBase62(16),
    relocated: !reachable && isRoot(),
    initialised: false,
    password: options.loopback ? randomBase62(32) : null,
  }
  // Two starters may both get here: the first link wins, the other reads it.
  const beside = join(dataDir, `${recordName}.${record.id}`)
  await writeFile(beside, text(record), { mode: 0o600, flush: true })
  try {
    await link(beside, join(dataDir, recordName))
    return record
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    return (await readRecord(dataDir))!
  } finally {
    await rm(beside, { force: true })
  }
}

async function enter(dataDir: string, record: PlaceRecord, options: PlaceOptions): Promise<Place> {
  const shelter = join(shelterRoot, record.id)
  const home = homeOf(dataDir, record.relocated ? shelter : null)
  const cluster = join(home, 'data')
  const user = await ownerOf(cluster, options)
  if (record.relocated) await makeShelter(shelter, user)
  else {
    await mkdir(home, { recursive: true, mode: 0o700 })
    if (user !== null) await chown(home, user.uid, user.gid)
    if (!(await canRead(home, user))) {
      throw new StartError(
        `The user ${user?.name} that runs PostgreSQL for root cannot reach ${home}; make its parent directories passable (chmod o+x), or run Belfry as another user.`,
      )
    }
  }
  await chmod(home, 0o700).catch(() => {})
  if (user !== null && !record.relocated && !(await runsFrom(options.binaries, user))) await makeShelter(shelter, user)
  const binaries = await runnableBinaries(options.binaries, user, shelter)
  return { dataDir, record, home, cluster, binaries, user, logFile: join(dataDir, 'postgres.log') }
}

function homeOf(dataDir: string, shelter: string | null): string {
  return shelter ?? join(dataDir, 'postgres')
}

/** Everyone may pass through the shelter's root and nobody may list it; each database's folder is its user's alone. */
async function makeShelter(shelter: string, user: RunAs | null): Promise<void> {
  await mkdir(shelterRoot, { recursive: true, mode: 0o711 })
  await chmod(shelterRoot, 0o711)
  await mkdir(shelter, { recursive: true, mode: 0o700 })
  if (user !== null) await chown(shelter, user.uid, user.gid)
}

/** An existing database keeps its owner; a new one gets the user that root chooses. */
async function ownerOf(cluster: string, options: PlaceOptions): Promise<RunAs | null> {
  if (!isRoot()) return null
  const owner = await stat(cluster).catch(() => null)
  if (owner === null || owner.uid === 0) return chooseUser(options.users)
  return { name: `number ${owner.uid}`, uid: owner.uid, gid: owner.gid }
}

function text(record: PlaceRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`
}

/** Removes a folder of ours that is empty; one in use stays. */
export async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => {})
}
