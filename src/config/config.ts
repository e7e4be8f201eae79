import { isAbsolute, join, resolve } from 'node:path'
import { StartError } from '../model/errors.ts'
import { type PlatformName, platformNames } from '../model/platform.ts'
import type { Env } from './env.ts'
import { address, listOf, oneOf, type RateLimit, rateLimit, secret, text, wholeNumber, yesNo } from './parse.ts'

export const roles = ['api', 'worker', 'web'] as const
export type Role = (typeof roles)[number]

export interface Config {
  mode: 'dev' | 'serve'
  /** Null: the embedded PostgreSQL. */
  databaseUrl: string | null
  dataDir: string
  host: string
  /** 0: any free port. */
  port: number
  /** Null: where it listens. */
  publicUrl: string | null
  /** Null in `dev` without BELFRY_SECRET: one is made and kept in the data directory. */
  secret: Buffer | null
  previousSecret: Buffer | null
  roles: readonly Role[]
  /** A sandbox in another process. */
  sandboxUrl: string | null
  baseUrls: Partial<Record<PlatformName, string>>
  allowPrivateNetwork: boolean
  trustProxy: boolean
  eventDays: number
  clockOffsetMs: number
  rateLimit: RateLimit | null
  logLevel: string
  /** How long a worker's lease lasts without renewal, in milliseconds. */
  leaseMs: number
  /** Tests alone: where a delivery ends the process (delivery/crash-points.ts). */
  crashAt: string | null
}

/** Everything a process needs to know, from the environment, checked. @throws {StartError} with one line */
export function readConfig(env: Env, mode: 'dev' | 'serve'): Config {
  const dev = mode === 'dev'
  const secretBytes = secret(env, 'BELFRY_SECRET')
  if (!secretBytes && !dev) {
    throw new StartError(
      'BELFRY_SECRET is missing; it takes at least 32 random bytes as base64: openssl rand -base64 32',
    )
  }
  const clockOffsetMs = wholeNumber(env, 'BELFRY_TEST_CLOCK_OFFSET_MS', 0, -maxOffsetMs, maxOffsetMs)
  if (clockOffsetMs !== 0 && env['NODE_ENV'] === 'production') {
    throw new StartError(
      `BELFRY_TEST_CLOCK_OFFSET_MS is "${clockOffsetMs}"; with NODE_ENV=production it takes nothing but 0.`,
    )
  }
  const crashAt = text(env, 'BELFRY_TEST_CRASH_AT')
  if (crashAt !== null && env['NODE_ENV'] === 'production') {
    throw new StartError(`BELFRY_TEST_CRASH_AT is "${crashAt}"; with NODE_ENV=production it takes nothing.`)
  }
  return {
    mode,
    ...readShared(env),
    host: text(env, 'HOST') ?? '127.0.0.1',
    port: wholeNumber(env, 'PORT', 3000, 0, 65_535),
    publicUrl: address(env, 'BELFRY_PUBLIC_URL'),
    secret: secretBytes,
    previousSecret: secret(env, 'BELFRY_SECRET_PREVIOUS'),
    roles: listOf(env, 'BELFRY_ROLES', roles),
    sandboxUrl: address(env, 'BELFRY_SANDBOX_URL'),
    baseUrls: readBaseUrls(env),
    allowPrivateNetwork: yesNo(env, 'BELFRY_ALLOW_PRIVATE_NETWORK', dev),
    trustProxy: yesNo(env, 'BELFRY_TRUST_PROXY', false),
    eventDays: wholeNumber(env, 'BELFRY_EVENT_DAYS', 30, 1, 3650),
    clockOffsetMs,
    rateLimit: rateLimit(env, 'BELFRY_RATE_LIMIT', dev ? null : { perSecond: 200, perMinute: 6000 }),
    leaseMs: wholeNumber(env, 'BELFRY_LEASE_MS', 10_000, 500, 300_000),
    crashAt,
  }
}

/** What every command reads, also those that serve nothing. */
export function readShared(env: Env): { databaseUrl: string | null; dataDir: string; logLevel: string } {
  const databaseUrl = text(env, 'DATABASE_URL')
  // What it got is not shown: it may hold a password.
  if (databaseUrl !== null && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new StartError(
      'DATABASE_URL is not a PostgreSQL address; it takes postgres://user:password@host:5432/database.',
    )
  }
  const dataDir = text(env, 'BELFRY_DATA_DIR') ?? join('.', '.belfry')
  return {
    databaseUrl,
    dataDir: isAbsolute(dataDir) ? dataDir : resolve(dataDir),
    logLevel: oneOf(env, 'LOG_LEVEL', 'info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  }
}

/** Ten years: farther, dates stop being dates. */
const maxOffsetMs = 10 * 366 * 86_400_000

function readBaseUrls(env: Env): Partial<Record<PlatformName, string>> {
  const given = platformNames.map((name) => [name, address(env, `BELFRY_${name.toUpperCase()}_BASE_URL`)] as const)
  return Object.fromEntries(given.filter(([, url]) => url !== null))
}
