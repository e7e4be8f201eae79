import { chmod, chown, cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { chownTree } from './ownership.ts'
import { isServerOf, readPidFile } from './pid-file.ts'
import { isCode, isMissing } from './problems.ts'
import { type PlaceRecord, readRecord, recordName, writeRecord } from './record.ts'
import type { RunAs } from './user.ts'

/** For what root's PostgreSQL cannot reach where it is. */
export const shelterRoot = '/var/lib/belfry'
const ownerName = 'data-directory'

export function shelterOf(record: PlaceRecord): string {
  return join(shelterRoot, record.id)
}

/** Everyone may pass through the root and nobody but root may list it; each folder in it is its user's alone. */
export async function makeShelter(shelter: string, user: RunAs | null): Promise<void> {
  await mkdir(shelterRoot, { recursive: true, mode: 0o711 })
  await chmod(shelterRoot, 0o711)
  await mkdir(shelter, { recursive: true, mode: 0o700 })
  if (user !== null) await chown(shelter, user.uid, user.gid)
}

/**
 * A data directory that was moved takes its database along; a copy of one must not use the original's.
 * @throws {StartError} for a copy
 */
export async function claimShelter(shelter: string, dataDir: string, record: PlaceRecord): Promise<void> {
  const file = join(shelter, ownerName)
  const owner = await readFile(file, 'utf8').catch((error) => {
    if (isMissing(error)) return ''
    throw error
  })
  if (owner.trim() === dataDir) return
  const other = owner === '' ? null : await readRecord(owner.trim()).catch(() => null)
  if (other?.id === record.id) {
    throw new StartError(
      `${dataDir} is a copy of ${owner.trim()}, whose database lies in ${shelter} and was not copied; remove ${join(dataDir, recordName)} to begin empty.`,
    )
  }
  await writeFile(file, `${dataDir}\n`, { mode: 0o600 })
}

/**
 * Moves a database that its user no longer reaches (the data directory became 0700) into the shelter. One whose
 * server still runs stays. A crash in between is finished by the next start.
 * @returns whether it lies in the shelter now
 */
export async function moveToShelter(home: string, dataDir: string, record: PlaceRecord, user: RunAs): Promise<boolean> {
  const running = await readPidFile(join(home, 'data'))
  if (running !== null && (await isServerOf(running.pid, join(home, 'data')))) return false
  const shelter = shelterOf(record)
  await makeShelter(shelter, user)
  const moved = join(shelter, 'data')
  try {
    await rename(join(home, 'data'), moved)
  } catch (error) {
    if (isCode(error, 'EXDEV')) {
      // Another file system: copied whole before it counts.
      await rm(`${moved}.copy`, { recursive: true, force: true })
      await cp(join(home, 'data'), `${moved}.copy`, { recursive: true, preserveTimestamps: true })
      await chownTree(`${moved}.copy`, user.uid, user.gid)
      await rename(`${moved}.copy`, moved)
    } else if (!isMissing(error)) throw error
  }
  record.relocated = true
  await writeRecord(dataDir, record)
  await rm(home, { recursive: true, force: true })
  return true
}
