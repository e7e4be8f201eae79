/** Starts `belfry dev` on a free port with a data directory of its own, as a user would; for programs and tests. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Ready {
  url: string
  api_key: string
  project_id: string
  sandbox_url: string
  pid: number
  accounts: { id: string; platform: string }[]
}

export interface Started {
  ready: Ready
  dataDir: string
  process: ChildProcess
  /** Ends it cleanly and removes its data. */
  stop(): Promise<void>
}

const program = join(import.meta.dirname, '..', '..', 'bin', 'belfry.mjs')

export async function startBelfry(env: Record<string, string> = {}): Promise<Started> {
  const dataDir = mkdtempSync(join(tmpdir(), 'belfry-example-'))
  const { ready, child } = await startProcess(['dev', '--json', '--port', '0'], { BELFRY_DATA_DIR: dataDir, ...env })
  return {
    ready: ready as unknown as Ready,
    dataDir,
    process: child,
    async stop() {
      await stopProcess(child)
      removeData(dataDir)
    },
  }
}

/** Starts a command and waits for its first line of JSON. */
export async function startProcess(
  parameters: string[],
  env: Record<string, string>,
): Promise<{ ready: Record<string, unknown>; child: ChildProcess }> {
  const child = spawn(process.execPath, [program, ...parameters], {
    env: { ...process.env, LOG_LEVEL: 'warn', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! })
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.startsWith('{')) resolve(JSON.parse(line))
    })
    child.on('exit', (code) => reject(new Error(`belfry ${parameters.join(' ')} ended with ${code}`)))
  })
  return { ready, child }
}

export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

/** Removes a data directory, and the database where it had to lie elsewhere (docs/running.md, Data). */
export function removeData(dataDir: string): void {
  const record = join(dataDir, 'postgres.json')
  if (existsSync(record)) {
    const { id, relocated } = JSON.parse(readFileSync(record, 'utf8')) as { id: string; relocated: boolean }
    if (relocated) rmSync(join('/var/lib/belfry', id), { recursive: true, force: true })
  }
  rmSync(dataDir, { recursive: true, force: true })
}
