import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { JsonObject } from '../model/platform.ts'
import type { Logger } from '../runtime/log.ts'

/** The emulators' memory: one line of JSON per state change, only ever appended. */
export interface Journal {
  /** Resolves once the line is handed to the operating system (no fsync); lines keep the order of the calls. */
  append(entry: JsonObject): Promise<void>
  close(): Promise<void>
}

/** Keeps nothing. */
export function memoryJournal(): Journal {
  return { append: async () => {}, close: async () => {} }
}

/**
 * Opens `journal.jsonl` in `dataDir` (made if absent, 0700; the file 0600) and replays what it holds.
 * A line that does not parse is skipped with a warning: a crash may have torn the last one.
 */
export async function openJournal(dataDir: string, log: Logger, replay: (entry: JsonObject) => void): Promise<Journal> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const path = join(dataDir, 'journal.jsonl')
  const file = await open(path, 'a+', 0o600)
  await replayLines(path, log, replay)
  if (await endsTorn(file)) await file.appendFile('\n')
  return appendInBatches(file)
}

async function replayLines(path: string, log: Logger, replay: (entry: JsonObject) => void): Promise<void> {
  let skipped = 0
  for await (const line of createInterface({ input: createReadStream(path, 'utf8'), crlfDelay: Infinity })) {
    if (line === '') continue
    const entry = parseLine(line)
    if (entry) replay(entry)
    else skipped += 1
  }
  if (skipped > 0)
    log.warn({ journal: path, skipped }, 'lines of the sandbox journal could not be read and were skipped')
}

function parseLine(line: string): JsonObject | null {
  try {
    const entry: unknown = JSON.parse(line)
    return typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? (entry as JsonObject) : null
  } catch {
    return null
  }
}

async function endsTorn(file: FileHandle): Promise<boolean> {
  const { size } = await file.stat()
  if (size === 0) return false
  const last = Buffer.alloc(1)
  await file.read(last, 0, 1, size - 1)
  return last.toString() !== '\n'
}

interface Waiting {
  line: string
  done(): void
  failed(error: unknown): void
}

/** Everything that arrives while one write is under way goes into the next: 10,000 lines need a few hundred writes. */
function appendInBatches(file: FileHandle): Journal {
  let waiting: Waiting[] = []
  let writing: Promise<void> | null = null
  let torn = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await file.appendFile((torn ? '\n' : '') + batch.map(({ line }) => line).join(''))
        torn = false
        for (const { done } of batch) done()
      } catch (error) {
        torn = true
        for (const { failed } of batch) failed(error)
      }
    }
    writing = null
  }

  return {
    append(entry) {
      return new Promise((done, failed) => {
        waiting.push({ line: `${JSON.stringify(entry)}\n`, done, failed })
        writing ??= drain()
      })
    },
    async close() {
      await writing
      await file.close()
    },
  }
}
