import { chmod, chown, mkdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { randomBase62 } from '../../runtime/ids.ts'
import { type Binaries, runnableBinaries, runsFrom } from './binaries.ts'
import { explainFile } from './problems.ts'
import { addRecord, type PlaceRecord, readRecord, recordName } from './record.ts'
import { claimShelter, makeShelter, moveToShelter, shelterOf } from './shelter.ts'
import { canEnter, chooseUser, isRoot, type RunAs } from './user.ts'

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

/**
 * Finds the database of this data directory, or decides where a new one will lie.
 * @throws {StartError} with one line
 */
export async function openPlace(options: PlaceOptions): Promise<Place> {
  try {
    await mkdir(options.dataDir, { recursive: true, mode: 0o700 })
    const dataDir = await realpath(options.dataDir)
    const record = (await readRecord(dataDir)) ?? (await addRecord(dataDir, await decide(dataDir, options)))
    const user = await ownerOf(dataDir, record, options)
    const home = await homeOf(dataDir, record, user)
    const shelter = shelterOf(record)
    if (user !== null && !(await runsFrom(options.binaries, user))) await makeShelter(shelter, user)
    const binaries = await runnableBinaries(options.binaries, user, shelter)
    const logFile = join(dataDir, 'postgres.log')
    return { dataDir, record, home, cluster: join(home, 'data'), binaries, user, logFile }
  } catch (error) {
    throw explainFile(error, options.dataDir)
  }
}

/** A new database: in the data directory, or in the shelter when its user cannot reach that or the binaries. */
async function decide(dataDir: string, options: PlaceOptions): Promise<PlaceRecord> {
  const user = await chooseUser(options.users)
  const home = inDataDir(dataDir)
  const occupied = await stat(home).catch(() => null)
  // Another starter writes the record first and makes the folder then.
  if (occupied && (await readRecord(dataDir)) === null) {
    throw new StartError(
      `${home} holds a database but ${recordName} beside it is missing; put that file back, or move ${home} away to begin empty.`,
    )
  }
  const reachable = user === null || ((await canEnter(dataDir, user)) && (await runsFrom(options.binaries, user)))
  return {
    id: randomBase62(16),
    relocated: !reachable,
    initialised: false,
    password: options.loopback ? randomBase62(32) : null,
  }
}

/** Makes the folder that holds the database, if need be, and sees that `user` can use it. */
async function homeOf(dataDir: string, record: PlaceRecord, user: RunAs | null): Promise<string> {
  const home = inDataDir(dataDir)
  if (!record.relocated) {
    await mkdir(home, { recursive: true, mode: 0o700 })
    if (user !== null) await chown(home, user.uid, user.gid)
    if (user === null || (await canEnter(home, user)) || !(await moveToShelter(home, dataDir, record, user))) {
      await chmod(home, 0o700)
      return home
    }
  }
  const shelter = shelterOf(record)
  if (isRoot()) {
    await makeShelter(shelter, user)
    await claimShelter(shelter, dataDir, record)
  }
  return shelter
}

function inDataDir(dataDir: string): string {
  return join(dataDir, 'postgres')
}

/** An existing database keeps its owner; a new one, or one that root put back, gets the user that root chooses. */
async function ownerOf(dataDir: string, record: PlaceRecord, options: PlaceOptions): Promise<RunAs | null> {
  if (!isRoot()) return null
  const home = record.relocated ? shelterOf(record) : inDataDir(dataDir)
  const owner = await stat(join(home, 'data')).catch(() => null)
  if (owner === null || owner.uid === 0) return chooseUser(options.users)
  return { name: `number ${owner.uid}`, uid: owner.uid, gid: owner.gid }
}
