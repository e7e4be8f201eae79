import type { FastifyPluginAsync } from 'fastify'
import type { PlatformName } from '../model/platform.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import { memoryBlobs, openBlobs } from './blob-store.ts'
import { ControlError } from './control-input.ts'
import type { Emulator, ReadyAccount } from './emulator.ts'
import { createEmulators } from './emulators.ts'
import { createFaults } from './faults.ts'
import { type Journal, memoryJournal, openJournal } from './journal.ts'
import { createRequestLog } from './request-log.ts'
import { sandboxPlugin } from './sandbox-plugin.ts'
import { createTimeline } from './timeline.ts'

export interface SandboxOptions {
  /** The emulators' time: tokens, rate limits and `received_at` follow it. */
  clock: Clock
  /** Where state is kept (0700); null: in memory only. */
  dataDir: string | null
  log: Logger
  /** Whether `POST /sandbox/clock` may move `clock`. */
  movable: boolean
  /** When the server is open to a network: control calls and the page ask for this key. @default null */
  exposeKey?: string | null
}

/** Emulated platforms. A sandbox URL is the root of the server that the plugin is mounted on. */
export interface Sandbox {
  /** Serves `/sandbox/…` and `/{platform}/…`; encapsulated, with its own body parser and errors. */
  plugin: FastifyPluginAsync
  /** The platforms that have an emulator. */
  platforms: readonly PlatformName[]
  /**
   * An account ready for `POST /v1/social-accounts`; the same one again for a name that exists.
   * @throws {ControlError} when the platform has no emulator or the name cannot be had
   */
  createAccount(platform: PlatformName, username?: string | null): Promise<ReadyAccount>
  close(): Promise<void>
}

export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { clock, dataDir, log } = options
  const timeline = createTimeline()
  const faults = createFaults(clock.nowMs)
  const requests = createRequestLog()
  const blobs = dataDir === null ? memoryBlobs() : await openBlobs(dataDir)
  let journal: Journal = memoryJournal()
  const emulators: Emulator[] = createEmulators.map((create) =>
    create({ clock, log, timeline, blobs, record: (entry) => journal.append(entry) }),
  )
  const forget = () => {
    timeline.clear()
    for (const emulator of emulators) emulator.clear()
  }
  if (dataDir !== null) {
    journal = await openJournal(dataDir, log, (entry) => {
      if (entry['is'] === 'cleared') forget()
      else emulators.find(({ platform }) => platform === entry['platform'])?.replay(entry)
    })
  }

  async function createAccount(platform: PlatformName, username: string | null = null): Promise<ReadyAccount> {
    const emulator = emulators.find((candidate) => candidate.platform === platform)
    if (!emulator) {
      const known = emulators.map((candidate) => candidate.platform).join(', ')
      throw new ControlError(`platform: got "${platform}"; the sandbox emulates ${known} so far`)
    }
    const account = await emulator.createAccount(username)
    if ('problem' in account) throw new ControlError(account.problem)
    return account
  }

  async function clear(): Promise<void> {
    forget()
    await journal.append({ is: 'cleared' })
  }

  return {
    plugin: sandboxPlugin({ ...options, emulators, timeline, faults, requests, blobs, createAccount, clear }),
    platforms: emulators.map(({ platform }) => platform),
    createAccount,
    close: () => journal.close(),
  }
}
