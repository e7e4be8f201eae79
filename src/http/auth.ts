import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Account } from '../model/account.ts'
import { BelfryError } from '../model/errors.ts'
import type { ApiKey, Project, Scope } from '../model/project.ts'
import { hashApiKey, isApiKey } from '../security/api-keys.ts'
import { findKey } from '../storage/keys.ts'
import type { Parts } from './parts.ts'

/** Who asks. */
export interface Caller {
  key: ApiKey
  project: Project
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set on every route with a `scope`. */
    caller: Caller
  }
  interface FastifyContextConfig {
    /** What the key must be allowed to do. Every route under /v1 has one. */
    scope?: Scope
  }
}

/** Every route of this context needs a key with the route's scope. */
export function requireKeys(app: FastifyInstance, parts: Pick<Parts, 'db' | 'clock'>): void {
  app.addHook('onRoute', (route) => {
    if (!route.config?.scope) throw new Error(`${route.method} ${route.url} does not say which scope it needs`)
  })
  app.addHook('onRequest', async (request: FastifyRequest, _reply: FastifyReply) => {
    request.caller = await callerOf(request.headers.authorization, parts)
    const { scope } = request.routeOptions.config
    if (scope && !request.caller.key.scopes.includes(scope)) {
      throw new BelfryError('missing_scope', `This API key may not do that; it needs the scope ${scope}.`)
    }
  })
}

async function callerOf(header: string | undefined, parts: Pick<Parts, 'db' | 'clock'>): Promise<Caller> {
  const [scheme, key, ...more] = (header ?? '').trim().split(/ +/)
  const isBearer = scheme?.toLowerCase() === 'bearer' && key !== undefined && more.length === 0
  if (!isBearer || !isApiKey(key)) throw new BelfryError('unauthorized')
  const caller = await findKey(parts.db, hashApiKey(key), parts.clock.dbNow())
  if (!caller) throw new BelfryError('unauthorized')
  return caller
}

/** False for accounts that a restricted key may neither see nor post to. */
export function maySee(caller: Caller, accountId: string): boolean {
  return caller.key.accountIds === null || caller.key.accountIds.includes(accountId)
}

export function visible(caller: Caller, accounts: readonly Account[]): Account[] {
  return accounts.filter((account) => maySee(caller, account.id))
}
