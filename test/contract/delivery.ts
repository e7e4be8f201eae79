/** Deliveries as the delivery module makes them, without its database: for adapters against their emulators. */
import type { TestContext } from 'node:test'
import type { Checkpoint, CommitMark, PublishingAccount } from '../../src/model/delivery.ts'
import type { JsonObject, PlatformName } from '../../src/model/platform.ts'
import type { MediaItem, ResolvedContent } from '../../src/model/post.ts'
import { platformOutbound } from '../../src/platforms/origins.ts'
import type { ConnectTools, Job, Outcome, Platform, Tools } from '../../src/platforms/platform.ts'
import { platformOf } from '../../src/platforms/registry.ts'
import { type Clock, createClock } from '../../src/runtime/clock.ts'
import { silentLog } from '../../src/runtime/log.ts'
import type { ReadyAccount } from '../../src/sandbox/emulator.ts'
import type { FaultKind } from '../../src/sandbox/faults.ts'
import { type SandboxServer, startSandboxServer } from '../../src/sandbox/server.ts'
import type { TimelinePost } from '../../src/sandbox/timeline.ts'
import { createOutbound, type Outbound, type OutboundRequest } from '../../src/security/outbound.ts'

export interface Bench {
  server: SandboxServer
  platform: Platform
  clock: Clock
  tools: ConnectTools & { web: Outbound }
  /** Every request that the adapter made, at the vendor's own address, oldest first. */
  sent: OutboundRequest[]
  /** Those of one method, such as `com.atproto.repo.putRecord`. */
  sentTo(method: string): OutboundRequest[]
  account(username?: string): Promise<PublishingAccount & { ready: ReadyAccount }>
  fault(kind: FaultKind, more?: object): Promise<void>
  published(userId: string): Promise<TimelinePost[]>
}

export async function openBench(t: TestContext, name: PlatformName): Promise<Bench> {
  const clock = createClock()
  const log = silentLog()
  const server = await startSandboxServer({ port: 0, dataDir: null, log, clock })
  const outbound = createOutbound({ allowPrivateNetwork: true, trustedOrigins: [server.url], log })
  t.after(async () => {
    await outbound.close()
    await server.close()
  })
  const sent: OutboundRequest[] = []
  const door = platformOutbound({ outbound, platform: name, origins: { sandboxUrl: server.url, baseUrls: {} } })
  const http: Outbound = {
    request(request) {
      sent.push(request)
      return door.request(request)
    },
  }
  const platform = platformOf(name)!
  const call = async (method: string, path: string, body?: object) => {
    const reply = await fetch(server.url + path, { method, ...(body && { body: JSON.stringify(body) }) })
    if (!reply.ok) throw new Error(`${path}: ${reply.status} ${await reply.text()}`)
    return (await reply.json()) as { data: TimelinePost[] }
  }
  return {
    server,
    platform,
    clock,
    sent,
    tools: { http, web: outbound, clock, log, signal: new AbortController().signal },
    sentTo: (method) => sent.filter(({ url }) => new URL(url).pathname.endsWith(`/${method}`)),
    async account(username) {
      const ready = await server.sandbox.createAccount(name, username)
      const { access_token: accessToken, refresh_token: refreshToken, metadata } = ready
      const credentials = { accessToken, refreshToken, secrets: metadata }
      return { id: 'spc_1', userId: ready.user_id, username: ready.username, facts: {}, credentials, ready }
    },
    async fault(kind, more = {}) {
      await call('POST', '/sandbox/faults', { kind, ...more })
    },
    async published(userId) {
      return (await call('GET', `/sandbox/published?limit=100&user_id=${encodeURIComponent(userId)}`)).data
    },
  }
}

/** One delivery between its attempts. What it remembers goes through JSON, as the database would have it. */
export interface Delivery {
  content: ResolvedContent
  account: PublishingAccount
  attempts: number
  mark: CommitMark | null
  checkpoint: Checkpoint | null
}

export function deliveryOf(account: PublishingAccount, caption: string, more: Partial<ResolvedContent> = {}): Delivery {
  return {
    content: { caption, media: [], options: {}, ...more },
    account,
    attempts: 0,
    mark: null,
    checkpoint: null,
  }
}

export function mediaOf(...urls: string[]): MediaItem[] {
  return urls.map((url) => ({
    url,
    thumbnail_url: null,
    thumbnail_timestamp_ms: null,
    tags: null,
    skip_processing: false,
  }))
}

/** The process died here: nothing that follows may happen. */
export class Died extends Error {}

export interface Hooks {
  /** After the commit mark is stored, before the request. */
  committed?(): void
  /** After a checkpoint is stored. */
  checkpointed?(checkpoint: JsonObject): void
}

/** One attempt: a refreshed login where the platform calls the old one expired, the mark cleared by a certain failure. */
export async function attempt(bench: Bench, delivery: Delivery, hooks: Hooks = {}): Promise<Outcome> {
  delivery.attempts += 1
  const { platform } = bench
  const first = await platform.publish(jobOf(delivery), toolsOf(bench, delivery, hooks))
  const outcome = first.kind === 'expired' ? await again(bench, delivery, hooks) : first
  if (outcome.kind === 'retry') delivery.mark = null
  return outcome
}

async function again(bench: Bench, delivery: Delivery, hooks: Hooks): Promise<Outcome> {
  const { platform, tools } = bench
  const refreshed = await platform.refresh(delivery.account, tools)
  if (refreshed.kind !== 'refreshed') return refreshed
  const { credentials, facts } = refreshed
  delivery.account = { ...delivery.account, credentials, facts }
  const second = await platform.publish(jobOf(delivery), toolsOf(bench, delivery, hooks))
  return second.kind === 'expired' ? { kind: 'reconnect', message: second.message } : second
}

export function jobOf(delivery: Delivery): Job {
  const { content, account, attempts, mark, checkpoint } = delivery
  return structuredClone({ deliveryId: 'spr_1', attempt: attempts, content, account, mark, checkpoint })
}

export function toolsOf(bench: Bench, delivery: Delivery, hooks: Hooks = {}): Tools {
  return {
    ...bench.tools,
    async checkpoint(next) {
      delivery.checkpoint = JSON.parse(JSON.stringify(next)) as Checkpoint
      hooks.checkpointed?.(next)
    },
    async commit({ step, flow, key = null, repeatableMs }, next) {
      const recovery = bench.platform.recovery[flow]
      if (!recovery) throw new Error(`no recovery is declared for ${flow}`)
      const until = repeatableMs === undefined ? null : bench.clock.nowMs() + repeatableMs
      const repeatableUntil = until === null ? null : new Date(until).toISOString()
      delivery.mark = { step, flow, key, recovery, repeatableUntil }
      if (next) delivery.checkpoint = JSON.parse(JSON.stringify(next)) as Checkpoint
      hooks.committed?.()
    },
  }
}
