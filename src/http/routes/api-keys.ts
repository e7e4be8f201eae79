import type { FastifyInstance } from 'fastify'
import { BelfryError } from '../../model/errors.ts'
import { parseInstant } from '../../model/instant.ts'
import { type ApiKey as ApiKeyModel, type Scope, scopes } from '../../model/project.ts'
import { newId } from '../../runtime/ids.ts'
import { makeApiKey } from '../../security/api-keys.ts'
import { readAccounts } from '../../storage/accounts.ts'
import type { Db } from '../../storage/database.ts'
import { createKey, listKeys, type NewKey, revokeKey } from '../../storage/keys.ts'
import type { Caller } from '../auth.ts'
import { idOf } from '../ids.ts'
import { listAnswer, pageOf } from '../pages.ts'
import type { Api } from '../parts.ts'
import { ApiKeyBody, ApiKeyList, NewApiKey } from '../schemas/admin.ts'
import { Deleted, errorsOf, IdIn, PageQuery } from '../schemas/parts.ts'

const tags = ['API keys']

export function apiKeyRoutes(app: FastifyInstance, api: Api): void {
  const { db, clock, writes } = api

  app.get(
    '/api-keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'listApiKeys',
        summary: 'List the project’s keys, revoked ones too',
        querystring: PageQuery,
        response: { 200: ApiKeyList, ...errorsOf('invalid') },
      },
    },
    async (request) => {
      const page = pageOf(request.query as object)
      const { keys, total } = await listKeys(db, request.caller.project.id, page)
      const data = keys.map(keyToWire)
      return listAnswer(request, { data, total, page, schema: PageQuery, publicUrl: api.publicUrl() })
    },
  )

  app.post(
    '/api-keys',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'createApiKey',
        summary: 'Make a key; it is shown once',
        description: 'A key can give no more than it has: scopes, accounts, tokens.',
        body: ApiKeyBody,
        response: { 201: NewApiKey, ...errorsOf('invalid') },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const body = request.body as ApiKeyBody
      return writes.run(request, reply, {
        work: async (tx) => {
          const { key, hash, hint } = makeApiKey()
          const order = await orderOf(tx, caller, body, clock.nowMs())
          const made = await createKey(tx, { ...order, hash, hint }, clock.dbNow())
          return { status: 201, body: { ...keyToWire(made), key } }
        },
      })
    },
  )

  app.delete(
    '/api-keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'revokeApiKey',
        summary: 'End a key at once; posts that it scheduled still go out',
        params: IdIn('id', 'Id of the key.'),
        response: { 200: Deleted, ...errorsOf('notFound') },
      },
    },
    async (request, reply) => {
      const id = idOf(request, 'key_not_found')
      return writes.run(request, reply, {
        work: async (tx) => {
          const revoked = await revokeKey(tx, request.caller.project.id, id, clock.dbNow())
          if (!revoked) throw new BelfryError('key_not_found')
          return { status: 200, body: { success: true } }
        },
      })
    },
  )
}

async function orderOf(
  tx: Db,
  caller: Caller,
  body: ApiKeyBody,
  nowMs: number,
): Promise<Omit<NewKey, 'hash' | 'hint'>> {
  const projectId = caller.project.id
  const wanted = body.scopes ?? scopes.filter((scope) => scope !== 'admin' && caller.key.scopes.includes(scope))
  const accountIds = body.account_ids ?? caller.key.accountIds
  const known = accountIds ? await readAccounts(tx, projectId, accountIds) : []
  const unknown = (body.account_ids ?? []).filter((id) => !known.some((account) => account.id === id))
  const expiresAt = body.expires_at ? parseInstant(body.expires_at) : null
  const problems = [
    ...unknown.slice(0, 20).map((id) => `account_ids names ${JSON.stringify(id)}, which is no account of this project`),
    ...(expiresAt && expiresAt.getTime() <= nowMs ? ['expires_at must be in the future'] : []),
  ]
  if (problems.length > 0) throw new BelfryError('invalid_request', undefined, problems)
  refuseMoreThanOwn(caller, wanted, accountIds, body.reveal_tokens ?? false)
  return {
    id: newId('key', nowMs),
    projectId,
    label: body.label ?? null,
    scopes: [...new Set(wanted)],
    accountIds: accountIds && [...new Set(accountIds)],
    revealTokens: body.reveal_tokens ?? false,
    expiresAt,
  }
}

function refuseMoreThanOwn(
  caller: Caller,
  wanted: readonly Scope[],
  accountIds: readonly string[] | null,
  revealTokens: boolean,
): void {
  const { key } = caller
  const scope = wanted.find((one) => !key.scopes.includes(one))
  if (scope) throw new BelfryError('missing_scope', `This API key cannot give the scope ${scope}: it has not got it.`)
  if (key.accountIds && accountIds?.some((id) => !key.accountIds!.includes(id))) {
    throw new BelfryError('missing_scope', 'This API key cannot give access to accounts that it may not see.')
  }
  if (revealTokens && !key.revealTokens) {
    throw new BelfryError(
      'missing_scope',
      'This API key cannot make keys that see tokens: it does not see them itself.',
    )
  }
}

function keyToWire(key: ApiKeyModel) {
  return {
    id: key.id,
    hint: key.hint,
    label: key.label,
    scopes: key.scopes,
    account_ids: key.accountIds,
    reveal_tokens: key.revealTokens,
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
    created_at: key.createdAt.toISOString(),
  }
}
