/** The post that a post quotes. */
import type { Answer } from '../call.ts'
import type { Job, Outcome, Tools } from '../platform.ts'
import { meaningOf } from './errors.ts'
import { appViewOrigin } from './hosts.ts'
import { ownerOf } from './identity.ts'
import { hostOf, objectOf, postCollection, type StrongRef, strongRefOf, xrpc } from './wire.ts'

/** A post as a person names it: whose, and its key. */
export interface NamedPost {
  /** DID or handle. */
  author: string
  rkey: string
}

const did = /^did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]$/
const handle = /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i
const rkey = /^[a-zA-Z0-9._:~-]{1,512}$/

/** Reads `at://AUTHOR/app.bsky.feed.post/KEY` and `https://bsky.app/profile/AUTHOR/post/KEY`; null for anything else. */
export function quoteOf(address: string): NamedPost | null {
  const text = address.trim()
  const uri = /^at:\/\/([^/]+)\/([^/]+)\/([^/?#]+)$/.exec(text)
  if (uri) return uri[2] === postCollection ? named(uri[1]!, uri[3]!) : null
  const page = /^https:\/\/bsky\.app\/profile\/([^/]+)\/post\/([^/?#]+)\/?(?:[?#].*)?$/.exec(text)
  return page ? named(page[1]!, page[2]!) : null
}

function named(author: string, key: string): NamedPost | null {
  return (did.test(author) || handle.test(author)) && rkey.test(key) ? { author, rkey: key } : null
}

/** The reference by content that a record needs. Asks the account's own server, then the public AppView. */
export async function resolveQuote(
  post: NamedPost,
  job: Job,
  tools: Tools,
): Promise<{ kind: 'quote'; ref: StrongRef } | Outcome> {
  const author = await authorOf(post, job, tools)
  if (author.kind !== 'did') return author
  const own = await xrpc(tools, hostOf(job.account.facts), 'com.atproto.repo.getRecord', {
    query: { repo: author.did, collection: postCollection, rkey: post.rkey },
  })
  const stored = own.kind === 'answer' && own.status === 200 ? strongRefOf(own.body) : null
  if (stored) return { kind: 'quote', ref: stored }
  const uri = `at://${author.did}/${postCollection}/${post.rkey}`
  const view = await xrpc(tools, appViewOrigin, 'app.bsky.feed.getPosts', { query: { uris: uri } })
  const shown = view.kind === 'answer' && view.status === 200 ? firstPost(view) : null
  if (shown) return { kind: 'quote', ref: shown }
  if (isVerdict(own) && (isVerdict(view) || (view.kind === 'answer' && view.status === 200))) {
    return notFound(`There is no post ${uri} to quote.`)
  }
  return { kind: 'retry', reason: `The quoted post ${uri} could not be looked up.` }
}

async function authorOf(post: NamedPost, job: Job, tools: Tools): Promise<{ kind: 'did'; did: string } | Outcome> {
  if (post.author.startsWith('did:')) return { kind: 'did', did: post.author }
  const owner = await ownerOf(post.author.toLowerCase(), job, tools)
  if (owner.kind === 'did') return owner
  if (owner.kind === 'nobody') return notFound(`The quoted post is of @${post.author}, whom Bluesky does not know.`)
  return { kind: 'retry', reason: `@${post.author}, whose post is quoted, could not be looked up: ${owner.reason}` }
}

function firstPost(view: Extract<Answer, { kind: 'answer' }>): StrongRef | null {
  const { posts } = objectOf(view.body)
  return Array.isArray(posts) && posts.length > 0 ? strongRefOf(posts[0]!) : null
}

function isVerdict(answer: Answer): boolean {
  return answer.kind === 'answer' && answer.status >= 400 && !['unclear', 'wait'].includes(meaningOf(answer))
}

function notFound(message: string): Outcome {
  return { kind: 'refused', code: 'content_invalid', message }
}
