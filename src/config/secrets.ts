import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What `dev` keeps in its data directory: the only place where a key is stored in clear. */
export interface DevState {
  /** Base64, 32 bytes. */
  secret: string
  /** Made with the state, so that an exposed sandbox asks for it from the first moment. */
  apiKey: string
  projectId: string | null
  accounts: { id: string; platform: string }[]
}

/**
 * Reads `dev`'s state, or makes one with a new secret. The directory is 0700, the file 0600.
 * @param newKey makes the API key of a new state
 */
export function readDevState(dataDir: string, newKey: () => string): DevState {
  const file = join(dataDir, 'dev.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as DevState
  const secret = randomBytes(32).toString('base64')
  const state: DevState = { secret, apiKey: newKey(), projectId: null, accounts: [] }
  writeDevState(dataDir, state)
  return state
}

/** Written beside and renamed: a crash leaves the old one or the new one. */
export function writeDevState(dataDir: string, state: DevState): void {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  chmodSync(dataDir, 0o700)
  const file = join(dataDir, 'dev.json')
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}
