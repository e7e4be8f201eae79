import type { FastifyInstance } from 'fastify'
import { BelfryError } from '../../model/errors.ts'
import { resultToWire } from '../../model/wire.ts'
import { listResults, readResult } from '../../storage/results.ts'
import { maySee } from '../auth.ts'
import { idOf } from '../ids.ts'
import { listAnswer, pageOf } from '../pages.ts'
import type { Api } from '../parts.ts'
import { errorsOf, IdIn, Ref } from '../schemas/parts.ts'
import { ResultList, ResultQuery } from '../schemas/posts.ts'

const tags = ['Social post results']

export function socialPostResultRoutes(app: FastifyInstance, api: Api): void {
  const { db } = api

  app.get(
    '/social-post-results/:id',
    {
      config: { scope: 'posts:read' },
      schema: {
        tags,
        operationId: 'getSocialPostResult',
        summary: 'Get a post result',
        params: IdIn('id', 'Id of the result.'),
        response: { 200: Ref('SocialPostResult'), ...errorsOf('notFound') },
      },
    },
    async (request) => {
      const { caller } = request
      const result = await readResult(db, caller.project.id, idOf(request, 'result_not_found'))
      if (!result || !maySee(caller, result.accountId)) throw new BelfryError('result_not_found')
      return resultToWire(result)
    },
  )

  app.get(
    '/social-post-results',
    {
      config: { scope: 'posts:read' },
      schema: {
        tags,
        operationId: 'listSocialPostResults',
        summary: 'List post results, the last settled first',
        querystring: ResultQuery,
        response: { 200: ResultList, ...errorsOf('invalid') },
      },
    },
    async (request) => {
      const { caller } = request
      const query = request.query as ResultQuery
      const page = pageOf(query)
      const filter = {
        projectId: caller.project.id,
        postIds: query.post_id ?? null,
        platforms: query.platform ?? null,
        accountIds: query.social_account_id ?? null,
        allowedIds: caller.key.accountIds,
      }
      const { results, total } = await listResults(db, filter, page)
      const data = results.map(resultToWire)
      return listAnswer(request, { data, total, page, schema: ResultQuery, publicUrl: api.publicUrl() })
    },
  )
}
