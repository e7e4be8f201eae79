import { randomInt } from 'node:crypto'
import { chown, lstat, mkdir, readFile, rename, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBase62 } from '../../runtime/ids.ts'
import { isAlive, isServerOf } from './pid-file.ts'
import type { Place } from './place.ts'
import { canEnter } from './user.ts'

/** Only part of a file's name: nothing listens on it. */
export const socketPort = 5432
/** Longest path of a socket; Linux takes 107 bytes, macOS 103. */
const maxSocketPathBytes = 103

/**
 * The socket's directory, 0700 and the server's user's: short, under the system's temporary directory, or under
 * /tmp where that is too long or out of the user's reach. The server's pid file tells it to those who join.
 */
export async function makeSocketDir(place: Place): Promise<string> {
  const { user, record } = place
  const own = tmpdir()
  const fresh = `${socketDirName(record.id)}-${randomBase62(8)}`
  const root = fits(join(own, fresh)) && (await canEnter(own, user)) ? own : '/tmp'
  const made = join(root, fresh)
  await mkdir(made, { mode: 0o700 })
  if (user !== null) await chown(made, user.uid, user.gid)
  const wanted = join(root, socketDirName(record.id))
  try {
    // Takes the place of an empty one; one in use stays.
    await rename(made, wanted)
    return wanted
  } catch {
    // Someone else's, or that of a copy of this data directory: keep the name that nobody can know.
    if (!(await isOurs(wanted, place))) return made
    await rmdir(made)
    return wanted
  }
}

/** Any port of the dynamic range; where it is taken, PostgreSQL says so and the next try takes another. */
export function randomPort(): number {
  return randomInt(49_152, 65_536)
}

/** True for the server's user's own directory that no other server has its socket in. */
async function isOurs(directory: string, place: Place): Promise<boolean> {
  const found = await lstat(directory).catch(() => null)
  const uid = place.user?.uid ?? process.getuid?.()
  if (!found?.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) return false
  const lock = await readFile(join(directory, `.s.PGSQL.${socketPort}.lock`), 'utf8').catch(() => '')
  const holder = Number.parseInt(lock, 10)
  return !(holder > 0) || !isAlive(holder) || (await isServerOf(holder, place.cluster))
}

export function socketDirName(id: string): string {
  return `belfry-${id}`
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${socketPort}`)) <= maxSocketPathBytes
}
