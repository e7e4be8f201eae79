import type { FastifyInstance } from 'fastify'
import { BelfryError } from '../../model/errors.ts'
import type { Api } from '../parts.ts'
import { AuthUrl, AuthUrlBody } from '../schemas/accounts.ts'
import { errorsOf } from '../schemas/parts.ts'

/** Signing in on the platform's own screen. Without app credentials there is none to show. */
export function authUrlRoutes(app: FastifyInstance, _api: Api): void {
  app.post(
    '/social-accounts/auth-url',
    {
      config: { scope: 'accounts:write' },
      schema: {
        tags: ['Social accounts'],
        operationId: 'createSocialAccountAuthUrl',
        summary: 'Begin to connect an account on the platform’s own screen',
        body: AuthUrlBody,
        response: { 201: AuthUrl, ...errorsOf('invalid', 'plain', 'notFound') },
      },
    },
    async (request) => {
      const { platform, platform_data: data } = request.body as AuthUrlBody
      if (platform === 'bluesky' && !data?.bluesky) {
        throw new BelfryError('invalid_request', undefined, [
          'platform_data.bluesky with handle and app_password is required',
        ])
      }
      throw new BelfryError('credentials_not_found', `No app credentials are stored for ${platform}.`)
    },
  )
}
