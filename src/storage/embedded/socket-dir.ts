import { randomInt } from 'node:crypto'
import { chown, lstat, mkdir, readFile, rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { randomBase62 } from '../../runtime/ids.ts'
import { isAlive, isServerOf } from './pid-file.ts'
import type { Place } from './place.ts'
import { isCode } from './problems.ts'
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
  const name = `belfry-${place.record.id}`
  const own = tmpdir()
  const root = fits(join(own, `${name}-12345678`)) && (await canEnter(own, place.user)) ? own : '/tmp'
  const wanted = join(root, name)
  if (await makeOwn(wanted, place)) return wanted
  // It is someone else's, or the server of a copy of this data directory has it: take one that nobody can know.
  const other = `${wanted}-${randomBase62(8)}`
  await makeOwn(other, place)
  return other
}

/** After a start that failed. The usual one stays: another starter may be about to use it. */
export async function discardSocketDir(directory: string, id: string): Promise<void> {
  if (basename(directory) !== `belfry-${id}`) await rmdir(directory).catch(() => {})
}

/** Any port of the dynamic range; where it is taken, PostgreSQL says so and the next try takes another. */
export function randomPort(): number {
  return randomInt(49_152, 65_536)
}

/** True when the directory is there, ours alone, and no other server's. */
async function makeOwn(directory: string, place: Place): Promise<boolean> {
  const { user, cluster } = place
  try {
    await mkdir(directory, { mode: 0o700 })
    if (user !== null) await chown(directory, user.uid, user.gid)
    return true
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
  const found = await lstat(directory)
  const uid = user?.uid ?? process.getuid?.()
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o077) !== 0) return false
  const lock = await readFile(join(directory, `.s.PGSQL.${socketPort}.lock`), 'utf8').catch(() => '')
  const holder = Number.parseInt(lock, 10)
  return !(holder > 0) || !isAlive(holder) || (await isServerOf(holder, cluster))
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${socketPort}`)) <= maxSocketPathBytes
}
