import { chmod, chown, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { randomBase62 } from '../../runtime/ids.ts'
import type { Logger } from '../../runtime/log.ts'
import { majorOf, program } from './binaries.ts'
import { chownTree } from './ownership.ts'
import type { Place } from './place.ts'
import { explain, isMissing } from './problems.ts'
import { writeRecord } from './record.ts'
import { isRoot, run } from './user.ts'

/** The superuser of an embedded database, and its name. */
export const databaseUser = 'belfry'
export const databaseName = 'belfry'

/**
 * Makes the database directory if this is the first start, and sets its owner and mode right.
 * @throws {StartError} with one line when initdb fails or a database that was there is gone
 */
export async function prepareCluster(place: Place, log: Logger): Promise<void> {
  const { cluster, record, dataDir } = place
  if (!(await exists(cluster))) {
    if (record.initialised) {
      throw new StartError(
        `The database of ${dataDir} should be in ${cluster} and is not there; put back a backup of it, or remove ${join(dataDir, 'postgres.json')} to begin empty.`,
      )
    }
    await initialise(place)
    log.info({ directory: cluster }, 'made a new database')
  }
  if (!record.initialised) {
    record.initialised = true
    await writeRecord(dataDir, record)
  }
  await ownIt(place)
}

/** Removes what a first start left that was cut off; only for the process that has just started the server. */
export async function removeUnfinished(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (/^(new|password)-[0-9A-Za-z]{6}$/.test(name)) await rm(join(home, name), { recursive: true, force: true })
  }
}

/** In a directory of its own that is renamed when it is whole; of two starters, the second finds the first's. */
async function initialise(place: Place): Promise<void> {
  const { home, cluster, record, user, binaries } = place
  const unfinished = join(home, `new-${randomBase62(6)}`)
  const passwordFile = join(home, `password-${randomBase62(6)}`)
  const parameters = ['-D', unfinished, '-U', databaseUser, '--encoding=UTF8', '--no-locale', '--no-instructions']
  // Built-in C.UTF-8 knows upper and lower case of every script, and sorts by bytes on every system.
  if (majorOf(binaries) >= 17) parameters.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  if (majorOf(binaries) < 18) parameters.push('--data-checksums')
  if (record.password === null) parameters.push('--auth-local=trust', '--auth-host=reject')
  else {
    await writeFile(passwordFile, `${record.password}\n`, { mode: 0o600 })
    if (user !== null) await chown(passwordFile, user.uid, user.gid)
    parameters.push('--auth=scram-sha-256', `--pwfile=${passwordFile}`)
  }
  try {
    const { code, output, failure } = await run(program(binaries, 'initdb'), parameters, user)
    if (code !== 0 && !(await exists(cluster))) throw explain(`${output}\n${failure}`, home)
    await rename(unfinished, cluster).catch(async (error) => {
      if (!(await exists(cluster))) throw error
    })
    await flushFolder(home)
  } finally {
    await rm(passwordFile, { force: true })
    // The winner of two starters takes it away too.
    await rm(unfinished, { recursive: true, force: true }).catch(() => {})
  }
}

/** PostgreSQL refuses a directory that is not its user's alone; a backup that root put back is root's. */
async function ownIt(place: Place): Promise<void> {
  const { cluster, user } = place
  const { uid, mode } = await stat(cluster)
  if (isRoot() && user !== null && uid !== user.uid) await chownTree(cluster, user.uid, user.gid)
  if (process.platform !== 'win32' && (mode & 0o777) !== 0o700) await chmod(cluster, 0o700)
}

/** So that the rename outlives a power cut. Windows cannot open a folder. */
async function flushFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  for (const path of [folder, dirname(folder)]) {
    const handle = await open(path, 'r')
    await handle.sync().finally(() => handle.close())
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error) => {
      if (isMissing(error)) return false
      throw error
    },
  )
}
