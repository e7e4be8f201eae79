import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createPost, type Refusal, removePost, replacePost } from '../../lifecycle/author.ts'
import type { Account } from '../../model/account.ts'
import { BelfryError } from '../../model/errors.ts'
import type { Post, PostDraft, PostStatus } from '../../model/post.ts'
import type { Db } from '../../storage/database.ts'
import { countPosts, listPosts, lockPost, readPost } from '../../storage/post-lists.ts'
import { type Caller, maySee } from '../auth.ts'
import type { Answer } from '../idempotency.ts'
import { etagOf, idOf, ifMatchOf } from '../ids.ts'
import { listAnswer, pageOf } from '../pages.ts'
import type { Api } from '../parts.ts'
import { readPostBody } from '../post-body.ts'
import { checkedAccounts, refuseUnreadable } from '../post-checks.ts'
import { viewPost, viewPosts } from '../post-view.ts'
import { Deleted, errorsOf, IdIn, Ref } from '../schemas/parts.ts'
import { PostBody, PostList, PostQuery } from '../schemas/posts.ts'

const tags = ['Social posts']
const params = IdIn('id', 'Id of the post.')

/** The handler checks the body itself, so that all problems come together in the shape that posts have. */
const checkedByHandler = { validatorCompiler: () => (value: unknown) => ({ value }), config: { postProblems: true } }

export function socialPostRoutes(app: FastifyInstance, api: Api): void {
  const { db, clock, writes } = api

  app.post(
    '/social-posts',
    {
      ...checkedByHandler,
      config: { ...checkedByHandler.config, scope: 'posts:write' },
      schema: {
        tags,
        operationId: 'createSocialPost',
        summary: 'Create a post: now, at a time, or as a draft',
        body: PostBody,
        response: { 201: Ref('SocialPost'), ...errorsOf('post') },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const draft = await draftOf(request, api, null)
      return writes.run(request, reply, {
        work: async (tx) => {
          const accounts = await checkedAccounts(tx, caller, draft, api)
          const post = await createPost(tx, { projectId: caller.project.id, draft, accounts, clock })
          return postAnswer(201, post, accounts, request, api)
        },
      })
    },
  )

  app.get(
    '/social-posts/:id',
    {
      config: { scope: 'posts:read' },
      schema: {
        tags,
        operationId: 'getSocialPost',
        summary: 'Get a post',
        params,
        response: { 200: Ref('SocialPost'), ...errorsOf('notFound') },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const post = await existing(db, caller, idOf(request, 'post_not_found'))
      const [view] = await viewPosts(db, caller, [post])
      // Every post targets an account, but for drafts: a restricted key sees none of those.
      if (caller.key.accountIds !== null && view!.social_accounts.length === 0) throw new BelfryError('post_not_found')
      return reply.header('etag', etagOf(post)).send(view)
    },
  )

  app.put(
    '/social-posts/:id',
    {
      ...checkedByHandler,
      config: { ...checkedByHandler.config, scope: 'posts:write' },
      schema: {
        tags,
        operationId: 'replaceSocialPost',
        summary: 'Replace a post that is a draft or scheduled; what is left out is cleared',
        params,
        body: PostBody,
        response: { 200: Ref('SocialPost'), ...errorsOf('post', 'plain', 'notFound', 'version') },
      },
    },
    async (request, reply) => {
      const { caller } = request
      const postId = idOf(request, 'post_not_found')
      const draft = await draftOf(request, api, postId)
      return writes.run(request, reply, {
        work: async (tx) => {
          await existing(tx, caller, postId)
          const accounts = await checkedAccounts(tx, caller, draft, api)
          const order = await writeOrder(tx, request, postId)
          const post = done(await replacePost(tx, { ...order, draft, accounts, clock }))
          return postAnswer(200, post, accounts, request, api)
        },
      })
    },
  )

  app.get(
    '/social-posts',
    {
      config: { scope: 'posts:read' },
      schema: {
        tags,
        operationId: 'listSocialPosts',
        summary: 'List posts, newest first',
        querystring: PostQuery,
        response: { 200: PostList, ...errorsOf('invalid') },
      },
    },
    async (request) => {
      const { caller } = request
      const query = request.query as PostQuery
      const page = pageOf(query)
      const filter = {
        projectId: caller.project.id,
        statuses: (query.status as PostStatus[] | undefined) ?? null,
        externalIds: query.external_id ?? null,
        platforms: query.platform ?? null,
        accountIds: query.social_account_id ?? null,
        allowedIds: caller.key.accountIds,
      }
      const [posts, total] = await Promise.all([listPosts(db, filter, page), countPosts(db, filter)])
      const data = await viewPosts(db, caller, posts)
      return listAnswer(request, { data, total, page, schema: PostQuery, publicUrl: api.publicUrl() })
    },
  )

  app.delete(
    '/social-posts/:id',
    {
      config: { scope: 'posts:write' },
      schema: {
        tags,
        operationId: 'deleteSocialPost',
        summary: 'Delete a post that is a draft or scheduled',
        params,
        response: { 200: Deleted, ...errorsOf('plain', 'notFound', 'version') },
      },
    },
    async (request, reply) => {
      const postId = idOf(request, 'post_not_found')
      note(request, postId)
      return writes.run(request, reply, {
        work: async (tx) => {
          done(await removePost(tx, { ...(await writeOrder(tx, request, postId)), clock }))
          return { status: 200, body: { success: true } }
        },
      })
    },
  )
}

/** The body as a draft; `replaced` is the post that it replaces. */
async function draftOf(request: FastifyRequest, api: Api, replaced: string | null): Promise<PostDraft> {
  const { allowPrivateNetwork, db } = api
  const rules = { allowPrivateNetwork, ownMediaBase: api.publicUrl() }
  const read = readPostBody(request.body ?? {}, { replaces: replaced !== null, rules })
  if (!read.draft && replaced !== null) await existing(db, request.caller, replaced)
  return refuseUnreadable(db, request.caller, read)
}

async function existing(db: Db, caller: Caller, postId: string): Promise<Post> {
  const post = await readPost(db, caller.project.id, postId)
  if (!post) throw new BelfryError('post_not_found')
  return post
}

/** Which post a PUT or DELETE may write, decided under the row's lock where versions or accounts must be compared. */
async function writeOrder(
  tx: Db,
  request: FastifyRequest,
  postId: string,
): Promise<{ projectId: string; postId: string; ifMatch: number | null }> {
  const { caller } = request
  const order = { projectId: caller.project.id, postId }
  const match = ifMatchOf(request)
  if (match === 'any' && caller.key.accountIds === null) return { ...order, ifMatch: null }
  const there = await lockPost(tx, caller.project.id, postId)
  if (!there || !seenTargets(caller, there.accountIds)) throw new BelfryError('post_not_found')
  if (there.accountIds.some((id) => !maySee(caller, id))) {
    throw new BelfryError('missing_scope', 'This API key may not change a post that also goes to other accounts.')
  }
  // Versions count from 1: 0 is what no post has.
  return { ...order, ifMatch: match === 'any' ? null : match.includes(there.version) ? there.version : 0 }
}

function seenTargets(caller: Caller, accountIds: readonly string[]): boolean {
  return caller.key.accountIds === null || accountIds.some((id) => maySee(caller, id))
}

function done(answer: Post | Refusal): Post {
  if (!('refused' in answer)) return answer
  switch (answer.refused) {
    case 'not_found':
      throw new BelfryError('post_not_found')
    case 'not_editable':
      throw new BelfryError(
        'post_not_editable',
        `The post is ${answer.status} and can no longer be changed; nothing was changed.`,
      )
    case 'version_mismatch':
      throw new BelfryError('version_mismatch')
  }
}

function postAnswer(
  status: number,
  post: Post,
  accounts: readonly Account[],
  request: FastifyRequest,
  api: Api,
): Answer {
  note(request, post.id)
  return {
    status,
    body: viewPost(request.caller, post, accounts),
    headers: { etag: etagOf(post) },
    afterCommit: () => wake(post, api),
  }
}

function wake(post: Post, api: Api): void {
  if (post.status === 'processing') api.wake.posts(null)
  if (post.status === 'scheduled') api.wake.posts(post.scheduledAt)
}

/** The post's id, for the request's line in the log. */
function note(request: FastifyRequest, postId: string): void {
  request.postId = postId
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The post that the request wrote, for the log. */
    postId: string | null
  }
}
