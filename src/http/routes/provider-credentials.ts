import type { FastifyInstance, FastifyRequest } from 'fastify'
import { BelfryError } from '../../model/errors.ts'
import { type PlatformName, platformNames } from '../../model/platform.ts'
import type { ProviderCredentials as CredentialsModel } from '../../model/project.ts'
import {
  deleteProviderCredentials,
  listProviderCredentials,
  putProviderCredentials,
} from '../../storage/provider-credentials.ts'
import type { Api } from '../parts.ts'
import {
  ProviderCredentials,
  ProviderCredentialsBody,
  ProviderCredentialsList,
  ProviderCredentialsQuery,
} from '../schemas/admin.ts'
import { Deleted, errorsOf, IdIn } from '../schemas/parts.ts'

const tags = ['Provider credentials']
const params = IdIn('platform', 'The platform that the app is registered with.')

export function providerCredentialRoutes(app: FastifyInstance, api: Api): void {
  const { db, clock, vault, writes } = api

  app.get(
    '/provider-credentials',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'listProviderCredentials',
        summary: 'List the project’s app credentials, secrets masked',
        response: { 200: ProviderCredentialsList, ...errorsOf() },
      },
    },
    async (request) => {
      const credentials = await listProviderCredentials(db, request.caller.project.id)
      return { data: credentials.map(credentialsToWire) }
    },
  )

  app.put(
    '/provider-credentials/:platform',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'putProviderCredentials',
        summary: 'Store the app credentials of a platform',
        params,
        body: ProviderCredentialsBody,
        response: { 200: ProviderCredentials, ...errorsOf('invalid') },
      },
    },
    async (request, reply) => {
      const projectId = request.caller.project.id
      const platform = platformIn(request)
      const { kind, client_id: clientId, client_secret } = request.body as ProviderCredentialsBody
      return writes.run(request, reply, {
        work: async (tx) => {
          const sealed = vault.seal(JSON.stringify({ client_secret }), `provider:${projectId}:${platform}`)
          const put = { projectId, platform, kind: kind ?? 'default', clientId, sealed }
          return { status: 200, body: credentialsToWire(await putProviderCredentials(tx, put, clock.dbNow())) }
        },
      })
    },
  )

  app.delete(
    '/provider-credentials/:platform',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'deleteProviderCredentials',
        summary: 'Delete the app credentials of a platform',
        params,
        querystring: ProviderCredentialsQuery,
        response: { 200: Deleted, ...errorsOf('invalid', 'notFound') },
      },
    },
    async (request, reply) => {
      const { kind = null } = request.query as ProviderCredentialsQuery
      const of = { projectId: request.caller.project.id, platform: platformIn(request), kind }
      return writes.run(request, reply, {
        work: async (tx) => {
          if (!(await deleteProviderCredentials(tx, of))) throw new BelfryError('credentials_not_found')
          return { status: 200, body: { success: true } }
        },
      })
    },
  )
}

function platformIn(request: FastifyRequest): PlatformName {
  const given = (request.params as { platform: string }).platform
  const platform = platformNames.find((name) => name === given)
  if (!platform) {
    const problem = `platform must be one of ${platformNames.join(', ')}, got ${JSON.stringify(given.slice(0, 60))}`
    throw new BelfryError('invalid_request', undefined, [problem])
  }
  return platform
}

function credentialsToWire(credentials: CredentialsModel) {
  return {
    platform: credentials.platform,
    kind: credentials.kind,
    client_id: credentials.clientId,
    client_secret: '********',
    updated_at: credentials.updatedAt.toISOString(),
  }
}
