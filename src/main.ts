/** Builds everything, hands it to everything, starts and stops it. Nothing else does. */
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ConnectParts } from './accounts/connect.ts'
import { verifyLogin } from './accounts/verify.ts'
import type { Config } from './config/config.ts'
import { crashPoints, withCrashPoints } from './delivery/crash-points.ts'
import { createLedger } from './delivery/ledger.ts'
import { startWorker, type Worker } from './delivery/worker.ts'
import { buildServer } from './http/server.ts'
import { voidOldLeases } from './lifecycle/rescue.ts'
import { StartError } from './model/errors.ts'
import type { PlatformName } from './model/platform.ts'
import { originLabel, platformOutbound } from './platforms/origins.ts'
import { platformOf } from './platforms/registry.ts'
import { type Clock, createClock } from './runtime/clock.ts'
import { randomBase62 } from './runtime/ids.ts'
import type { Logger } from './runtime/log.ts'
import type { ReadyAccount } from './sandbox/emulator.ts'
import { createSandbox, type Sandbox } from './sandbox/sandbox.ts'
import { type Dispatcher, startDispatcher } from './schedule/dispatcher.ts'
import { startChores } from './schedule/pruner.ts'
import { readiness } from './schedule/readiness.ts'
import { startRescuer } from './schedule/rescuer.ts'
import { createOutbound, type Outbound } from './security/outbound.ts'
import { createVault } from './security/vault.ts'
import type { Database } from './storage/database.ts'
import { type Nudge, startNudges } from './storage/nudges.ts'
import { openStore } from './storage/open.ts'

/** A running Belfry, and what the command line needs of it. */
export interface Belfry {
  /** Where it listens. */
  url: string
  db: Database
  clock: Clock
  /** For connecting accounts without a request. */
  connecting: ConnectParts
  /** A new account on the sandbox, in this process or another. */
  makeSandboxAccount(platform: PlatformName): Promise<ReadyAccount>
  /** Parks or finishes what runs, then closes everything. */
  stop(): Promise<void>
}

/** Every key of the configuration that must be known before anything starts. */
export interface StartOptions {
  config: Config
  secret: Buffer
  log: Logger
  version: string
  /** The key that `/sandbox` asks for when `dev` is open to a network. */
  exposeKey?: string | null
}

export async function startBelfry(options: StartOptions): Promise<Belfry> {
  const { config, log, version } = options
  const clock = createClock(config.clockOffsetMs)
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    const store = await openStore({ ...config, log, exclusive: true, connections: 20 })
    stops.push(() => store.close())
    const { db } = store
    if (store.embedded) await voidOldLeases(db)
    const vault = createVault({ current: options.secret, previous: config.previousSecret })

    const ownSandbox = config.mode === 'dev' && config.sandboxUrl === null
    const sandbox = ownSandbox ? await startSandbox(options, clock) : null
    if (sandbox) stops.push(() => sandbox.close())

    let url = ''
    const origins = {
      get sandboxUrl() {
        return ownSandbox ? url : config.sandboxUrl
      },
      baseUrls: config.baseUrls,
    }
    const trusted = [config.sandboxUrl, ...Object.values(config.baseUrls)].filter((origin) => origin !== null)
    const outbound = createOutbound({ allowPrivateNetwork: config.allowPrivateNetwork, trustedOrigins: trusted, log })
    stops.push(() => outbound.close())
    const http = (platform: PlatformName) => platformOutbound({ outbound, platform, origins })
    const originOf = (platform: PlatformName) => originLabel(platform, origins)

    const wakes = { posts: (_dueAtMs: number) => {}, deliveries: () => {} }
    const receive = (nudge: Nudge) => (nudge.what === 'posts' ? wakes.posts(nudge.dueAtMs) : wakes.deliveries())
    const self = `${hostname()}-${process.pid}-${randomBase62(6)}`
    const nudges = startNudges({ db, log, self, onNudge: receive })
    stops.push(() => nudges.stop())
    const wake = (nudge: Nudge) => {
      receive(nudge)
      nudges.send(nudge)
    }

    const works = config.roles.includes('worker')
    let dispatcher: Dispatcher | null = null
    const connecting: ConnectParts = {
      vault,
      clock,
      platform: platformOf,
      connect: (login, name) => verifyLogin(login, platformOf(name), { http: http(name), clock, log }),
      originLabel: originOf,
    }
    const server = await buildServer({
      ...connecting,
      db,
      log,
      version,
      publicUrl: () => config.publicUrl ?? url,
      wake: { posts: (at) => wake(at ? { what: 'posts', dueAtMs: at.getTime() } : { what: 'deliveries' }) },
      rateLimit: config.rateLimit,
      trustProxy: config.trustProxy,
      allowedHosts: allowedHosts(config),
      health: { ready: () => readiness(db, () => (works ? dispatcher : null)) },
      allowPrivateNetwork: config.allowPrivateNetwork,
      api: config.roles.includes('api'),
      ...(sandbox && { sandboxPlugin: sandbox.plugin }),
    })
    stops.push(() => server.close())
    url = await server.listen({ host: config.host, port: config.port })
    if (sandbox) outbound.trust(url)

    if (works) {
      const ledger = createLedger({ db, clock, log, leaseMs: config.leaseMs })
      const attempts = { db, ledger, clock, log, vault, platformOf, http, web: outbound.web, originOf }
      const crashAt = crashPoints.find((point) => point === config.crashAt)
      const worker: Worker = startWorker(crashAt ? withCrashPoints(attempts, crashAt) : attempts, {
        worker: self,
        leaseMs: config.leaseMs,
        renewEveryMs: Math.ceil(config.leaseMs * 0.3),
      })
      stops.push(() => worker.stop())
      wakes.deliveries = () => worker.nudge()
      const rescuer = startRescuer({ db, clock, log, wake: () => worker.nudge() })
      stops.push(() => rescuer.stop())
      dispatcher = startDispatcher({ db, clock, log, wake: () => wake({ what: 'deliveries' }) })
      const { nudge, stop: stopDispatcher } = dispatcher
      stops.push(stopDispatcher)
      wakes.posts = nudge
      clock.onMove(() => {
        nudge()
        worker.nudge()
      })
      stops.push(startChores({ db, clock, log, eventDays: config.eventDays }))
    }
    const makeSandboxAccount = (platform: PlatformName) =>
      sandbox?.createAccount(platform) ?? makeAccountAt(outbound, config.sandboxUrl!, platform)
    return { url, db, clock, connecting, makeSandboxAccount, stop }
  } catch (error) {
    await stop().catch((failure) => log.error({ err: failure }, 'stopping after a failed start'))
    throw error
  }
}

async function makeAccountAt(outbound: Outbound, sandboxUrl: string, platform: PlatformName): Promise<ReadyAccount> {
  const reply = await outbound.request({
    method: 'POST',
    url: `${sandboxUrl}/sandbox/accounts`,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ platform }),
  })
  if (reply.status >= 300) {
    throw new StartError(
      `The sandbox at BELFRY_SANDBOX_URL answered ${reply.status}: ${reply.body.toString().slice(0, 200)}`,
    )
  }
  return JSON.parse(reply.body.toString()) as ReadyAccount
}

function startSandbox(options: StartOptions, clock: Clock): Promise<Sandbox> {
  const { config, log, exposeKey = null } = options
  return createSandbox({ clock, dataDir: join(config.dataDir, 'sandbox'), log, movable: true, exposeKey })
}

/** `dev` on loopback answers only under names of loopback: a web page must not reach it through a name of its own. */
function allowedHosts(config: Config): readonly string[] | null {
  const isLoopback = ['127.0.0.1', 'localhost', '::1'].includes(config.host)
  if (config.mode !== 'dev' || !isLoopback) return null
  const own = config.publicUrl ? [new URL(config.publicUrl).host] : []
  return ['localhost', '127.0.0.1', '[::1]', ...own]
}
