import { chown, lchown, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Gives a folder and all in it to a user; links are given, not followed. */
export async function chownTree(folder: string, uid: number, gid: number): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await chownTree(path, uid, gid)
    else await lchown(path, uid, gid)
  }
  await chown(folder, uid, gid)
}
