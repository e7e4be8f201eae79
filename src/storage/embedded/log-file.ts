import { copyFile, stat, truncate } from 'node:fs/promises'
import { every } from '../../runtime/timer.ts'

const maxBytes = 4_194_304
const lookEveryMs = 60_000

/**
 * Keeps PostgreSQL's log under about 8 MiB: the file and one older. It is cut in place, because the server holds it
 * open for appending; lines written during the copy may be lost.
 * @returns what ends the watch
 */
export function boundLog(file: string): () => void {
  void cut(file)
  return every(lookEveryMs, () => void cut(file))
}

async function cut(file: string): Promise<void> {
  try {
    if ((await stat(file)).size <= maxBytes) return
    await copyFile(file, `${file}.1`)
    await truncate(file)
  } catch {
    // A full disk or no file: the next look may do.
  }
}
