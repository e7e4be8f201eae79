import type { FastifyInstance, FastifyRequest } from 'fastify'
import { connectAccount, type GivenLogin, verifyGiven } from '../../accounts/connect.ts'
import { removeAccount } from '../../lifecycle/accounts.ts'
import { BelfryError } from '../../model/errors.ts'
import { parseInstant } from '../../model/instant.ts'
import type { JsonObject } from '../../model/platform.ts'
import { countAccounts, listAccounts } from '../../storage/account-lists.ts'
import { disconnectAccount, readAccount, updateAccount } from '../../storage/accounts.ts'
import { appendEvents } from '../../storage/events.ts'
import { viewAccount } from '../account-view.ts'
import { maySee } from '../auth.ts'
import { idOf } from '../ids.ts'
import { listAnswer, pageOf } from '../pages.ts'
import type { Api } from '../parts.ts'
import { AccountBody, AccountList, AccountPatch, AccountQuery } from '../schemas/accounts.ts'
import { Deleted, errorsOf, IdIn, Ref } from '../schemas/parts.ts'

const tags = ['Social accounts']
const params = IdIn('id', 'Id of the account.')

export function socialAccountRoutes(app: FastifyInstance, api: Api): void {
  const { db, clock, writes } = api

  app.post(
    '/social-accounts',
    {
      config: { scope: 'accounts:write' },
      schema: {
        tags,
        operationId: 'createSocialAccount',
        summary: 'Connect an account by its token, or connect it again',
        body: AccountBody,
        response: { 201: Ref('SocialAccount'), ...errorsOf('invalid', 'plain') },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const given = loginOf(request.body as AccountBody)
      return writes.run(request, reply, {
        prepare: () => verifyGiven(db, caller.project.id, given, api),
        work: async (tx, verified) => {
          const { account, sealed } = await connectAccount(tx, caller.project.id, given, verified, api)
          if (!maySee(caller, account.id)) {
            throw new BelfryError(
              'missing_scope',
              'This API key is limited to certain accounts; it cannot connect others.',
            )
          }
          return { status: 201, body: viewAccount(caller, account, sealed, api) }
        },
      })
    },
  )

  app.get(
    '/social-accounts/:id',
    {
      config: { scope: 'accounts:read' },
      schema: {
        tags,
        operationId: 'getSocialAccount',
        summary: 'Get an account',
        params,
        response: { 200: Ref('SocialAccount'), ...errorsOf('notFound') },
      },
    },
    async (request) => {
      const found = await readAccount(db, request.caller.project.id, seenId(request))
      if (!found) throw new BelfryError('account_not_found')
      return viewAccount(request.caller, found.account, found.sealed, api)
    },
  )

  app.patch(
    '/social-accounts/:id',
    {
      config: { scope: 'accounts:write' },
      schema: {
        tags,
        operationId: 'updateSocialAccount',
        summary: 'Change an account’s name or reference',
        params,
        body: AccountPatch,
        response: { 200: Ref('SocialAccount'), ...errorsOf('invalid', 'notFound') },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const projectId = caller.project.id
      const id = seenId(request)
      const { username, external_id: externalId } = request.body as AccountPatch
      return writes.run(request, reply, {
        work: async (tx) => {
          const change = { id, projectId, ...(username !== undefined && { username }) }
          const updated = await updateAccount(
            tx,
            { ...change, ...(externalId !== undefined && { externalId }) },
            clock.dbNow(),
          )
          if (!updated) throw new BelfryError('account_not_found')
          await appendEvents(tx, [{ projectId, type: 'social.account.updated', accountId: id }], clock.dbNow())
          return { status: 200, body: viewAccount(caller, updated.account, updated.sealed, api) }
        },
      })
    },
  )

  app.get(
    '/social-accounts',
    {
      config: { scope: 'accounts:read' },
      schema: {
        tags,
        operationId: 'listSocialAccounts',
        summary: 'List accounts, newest first',
        querystring: AccountQuery,
        response: { 200: AccountList, ...errorsOf('invalid') },
      },
    },
    async (request) => {
      const { caller } = request
      const query = request.query as AccountQuery
      const page = pageOf(query)
      const filter = {
        projectId: caller.project.id,
        ids: query.id ?? null,
        allowedIds: caller.key.accountIds,
        platforms: query.platform ?? null,
        usernames: query.username ?? null,
        externalIds: query.external_id ?? null,
        connected: query.status?.length === 1 ? query.status[0] === 'connected' : null,
      }
      const [accounts, total] = await Promise.all([listAccounts(db, filter, page), countAccounts(db, filter)])
      const data = accounts.map(({ account, sealed }) => viewAccount(caller, account, sealed, api))
      return listAnswer(request, { data, total, page, schema: AccountQuery, publicUrl: api.publicUrl() })
    },
  )

  app.post(
    '/social-accounts/:id/disconnect',
    {
      config: { scope: 'accounts:write' },
      schema: {
        tags,
        operationId: 'disconnectSocialAccount',
        summary: 'Forget an account’s tokens; its record stays',
        params,
        response: { 201: Ref('SocialAccount'), ...errorsOf('notFound') },
      },
    },
    async (request, reply) => {
      const projectId = request.caller.project.id
      const id = seenId(request)
      return writes.run(request, reply, {
        work: async (tx) => {
          const account = await disconnectAccount(tx, projectId, id, clock.dbNow())
          if (!account) throw new BelfryError('account_not_found')
          await appendEvents(tx, [{ projectId, type: 'social.account.updated', accountId: id }], clock.dbNow())
          return { status: 201, body: viewAccount(request.caller, account, null, api) }
        },
      })
    },
  )

  app.delete(
    '/social-accounts/:id',
    {
      config: { scope: 'accounts:write' },
      schema: {
        tags,
        operationId: 'deleteSocialAccount',
        summary: 'Delete an account with its results',
        params,
        response: { 200: Deleted, ...errorsOf('plain', 'notFound') },
      },
    },
    async (request, reply) => {
      const order = { projectId: request.caller.project.id, accountId: seenId(request), clock }
      return writes.run(request, reply, {
        work: async (tx) => {
          const removed = await removeAccount(tx, order)
          if (removed === 'not_found') throw new BelfryError('account_not_found')
          if (removed === 'in_use') throw new BelfryError('account_in_use')
          return { status: 200, body: { success: true } }
        },
      })
    },
  )
}

/** The account in the path, if the key may see it. */
function seenId(request: FastifyRequest): string {
  const id = idOf(request, 'account_not_found')
  if (!maySee(request.caller, id)) throw new BelfryError('account_not_found')
  return id
}

function loginOf(body: AccountBody): GivenLogin {
  const refreshEnds = body.refresh_token_expires_at
  return {
    platform: body.platform,
    userId: body.user_id,
    accessToken: body.access_token,
    // Both were checked as dates by the schema.
    accessTokenExpiresAt: parseInstant(body.access_token_expires_at)!,
    username: body.username,
    externalId: body.external_id,
    refreshToken: body.refresh_token,
    refreshTokenExpiresAt: refreshEnds ? parseInstant(refreshEnds) : refreshEnds === null ? null : undefined,
    metadata: body.metadata as JsonObject | null | undefined,
  }
}
