import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { randomBase62 } from '../../runtime/ids.ts'
import { isCode, isMissing } from './problems.ts'

/** Kept as `postgres.json` in the data directory. A data directory without it never adopts existing data. */
export interface PlaceRecord {
  /** Names the database: its socket folder and, when it lies there, its folder under /var/lib/belfry. */
  id: string
  /** True: the database lies in /var/lib/belfry, because its user cannot reach the data directory or the binaries. */
  relocated: boolean
  /** True once initdb has ended: from then on a missing database is an error, not a first start. */
  initialised: boolean
  /** Where there are no Unix sockets. */
  password: string | null
}

export const recordName = 'postgres.json'

/** Null when there is none. */
export async function readRecord(dataDir: string): Promise<PlaceRecord | null> {
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

/** Written beside and renamed: a crash leaves the old one or the new one. */
export async function writeRecord(dataDir: string, record: PlaceRecord): Promise<void> {
  const file = join(dataDir, recordName)
  const beside = `${file}.${randomBase62(6)}`
  await writeFile(beside, text(record), { mode: 0o600, flush: true })
  await rename(beside, file)
}

/** The first record of a data directory: this one, or that of another starter who was faster. */
export async function addRecord(dataDir: string, record: PlaceRecord): Promise<PlaceRecord> {
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

function text(record: PlaceRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`
}
