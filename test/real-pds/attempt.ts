import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import type { Checkpoint, CommitMark, PublishingAccount } from '../../src/model/delivery.ts'
import type { ResolvedContent } from '../../src/model/post.ts'
import { bluesky } from '../../src/platforms/bluesky/index.ts'
import { platformOutbound } from '../../src/platforms/origins.ts'
import type { ConnectTools, Job, Outcome, Tools } from '../../src/platforms/platform.ts'
import { createClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { createOutbound, type Outbound } from '../../src/security/outbound.ts'
import type { PdsAccount, RealPds } from './fixture.ts'

/** As a self-hosted Belfry on the same machine would be configured; nothing is trusted beyond that. */
const outbound = createOutbound({ allowPrivateNetwork: true, trustedOrigins: [], log: silentLog() })

/** What Belfry's database remembers of one delivery between two attempts. */
export interface Stored {
  mark: CommitMark | null
  checkpoint: Checkpoint | null
}

export interface Store {
  read(): Stored
  /** Durable when it returns. */
  write(next: Stored): void
}

export function memoryStore(): Store {
  let stored: Stored = { mark: null, checkpoint: null }
  return {
    read: () => stored,
    // Through JSON, as the database would: what does not survive that must not be relied on.
    write: (next) => {
      stored = JSON.parse(JSON.stringify(next)) as Stored
    },
  }
}

export function fileStore(path: string): Store {
  return {
    read: () =>
      existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Stored) : { mark: null, checkpoint: null },
    write(next) {
      const file = openSync(`${path}.new`, 'w')
      writeSync(file, JSON.stringify(next))
      fsyncSync(file)
      closeSync(file)
      renameSync(`${path}.new`, path)
    },
  }
}

export interface Attempt {
  pds: string
  /** Stands in front of the PDS: every request to the platform goes there instead. */
  relay?: string
  deliveryId: string
  account: PublishingAccount
  content: ResolvedContent
  store: Store
  /** Right after the commit mark became durable, before the request. */
  afterCommit?: () => void
}

/** One attempt of Belfry's Bluesky adapter, going on from what the store holds. */
export async function attempt(one: Attempt): Promise<Outcome> {
  return bluesky.publish(jobOf(one), toolsOf(one))
}

/** The adapter's read-only look at what became of a committed delivery. */
export async function find(one: Attempt): Promise<Outcome | 'absent'> {
  return bluesky.find!(jobOf(one), toolsOf(one))
}

function jobOf({ store, account, content, deliveryId }: Attempt): Job {
  const { mark, checkpoint } = store.read()
  return { deliveryId, attempt: mark || checkpoint ? 2 : 1, content, account, mark, checkpoint }
}

function toolsOf({ pds, relay, store, afterCommit }: Attempt): Tools {
  return {
    ...connectTools(pds, relay),
    web: outbound,
    async checkpoint(next) {
      store.write({ ...store.read(), checkpoint: next })
    },
    async commit(step, next) {
      const recovery = bluesky.recovery[step.flow]
      if (!recovery) throw new Error(`The adapter declares no recovery for ${step.flow}.`)
      const mark = { step: step.step, flow: step.flow, key: step.key ?? null, recovery, repeatableUntil: null }
      store.write({ mark, checkpoint: next ?? store.read().checkpoint })
      afterCommit?.()
    },
  }
}

/** As Belfry holds an account right after a person gave its handle and app password: no session yet. */
export function loginOf({ did, handle, appPassword }: PdsAccount): PublishingAccount {
  const credentials = { accessToken: '', refreshToken: null, secrets: { bluesky_app_password: appPassword } }
  return { id: `spc_${handle}`, userId: did, username: handle, facts: {}, credentials }
}

/** Connects the account and opens a session. */
export async function signIn(pds: RealPds, handle: string): Promise<PublishingAccount> {
  const account = loginOf(pds.account(handle))
  const connected = await connect(pds, account)
  if (connected.kind !== 'connected') throw new Error(connected.message)
  return refreshed(pds, { ...account, facts: connected.facts })
}

export async function connect(pds: RealPds, account: PublishingAccount) {
  const { userId, username, credentials } = account
  return bluesky.connectByToken!({ userId, username, credentials }, connectTools(pds.url))
}

export function refresh(pds: RealPds, account: PublishingAccount) {
  return bluesky.refresh(account, connectTools(pds.url))
}

/** The account with new tokens, as Belfry would store it. */
export async function refreshed(pds: RealPds, account: PublishingAccount): Promise<PublishingAccount> {
  const outcome = await refresh(pds, account)
  if (outcome.kind !== 'refreshed') throw new Error(JSON.stringify(outcome))
  const { credentials, username, facts } = outcome
  return { ...account, credentials, username, facts }
}

/** What an adapter gets: the vendor's addresses lead to the PDS, and a host that it names itself to the relay. */
function connectTools(pds: string, relay?: string): ConnectTools {
  const through: Outbound = {
    request: (request) => outbound.request({ ...request, url: relay ? request.url.replace(pds, relay) : request.url }),
  }
  const origins = { sandboxUrl: null, baseUrls: { bluesky: pds } }
  return {
    http: platformOutbound({ outbound: through, platform: 'bluesky', origins }),
    clock: createClock(),
    log: silentLog(),
    signal: new AbortController().signal,
  }
}
