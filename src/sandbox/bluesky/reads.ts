import type { JsonObject } from '../../model/platform.ts'
import type { VendorReply } from '../emulator.ts'
import { sha256OfCid } from './encoding/cid.ts'
import {
  getBlobInput,
  getPostsInput,
  getProfileInput,
  getRecordInput,
  listRecordsInput,
  resolveHandleInput,
} from './lexicon/inputs.ts'
import { postCollection } from './lexicon/record-check.ts'
import type { Network } from './network.ts'
import { type Account, findAccount, findRecord, type StoredRecord } from './state.ts'
import { invalid, type Method, ok, refusal } from './xrpc.ts'

export function readMethods({ state, tools }: Network): Record<string, Method> {
  const open = { http: 'GET', kind: 'read', auth: 'none' } as const
  const onPds = { ...open, hosts: ['entryway', 'pds'] } as const
  const proxied = { ...open, hosts: ['entryway', 'pds', 'appview'] } as const
  const repoQuery = { repo: 'text', collection: 'text', rkey: 'text', cid: 'text' } as const
  return {
    'com.atproto.server.describeServer': {
      ...onPds,
      answer: () =>
        ok({ did: 'did:web:bsky.social', availableUserDomains: ['.belfry-sandbox.test'], inviteCodeRequired: true }),
    },
    'com.atproto.repo.getRecord': {
      ...onPds,
      query: repoQuery,
      check: getRecordInput,
      answer({ input }) {
        const { repo, collection, rkey, cid } = input as Record<string, string>
        const account = findAccount(state, repo!)
        if (!account) return invalid(`Could not find repo: ${repo}`)
        const record = findRecord(account, collection!, rkey!)
        if (!record || (cid !== undefined && cid !== record.cid)) {
          return refusal(400, 'RecordNotFound', `Could not locate record: at://${account.did}/${collection}/${rkey}`)
        }
        return ok({ uri: record.uri, cid: record.cid, value: record.value })
      },
    },
    'com.atproto.repo.listRecords': {
      ...onPds,
      query: { repo: 'text', collection: 'text', limit: 'integer', cursor: 'text', reverse: 'boolean' },
      check: listRecordsInput,
      answer({ input }) {
        const account = findAccount(state, input['repo'] as string)
        return account ? recordsOf(account, input) : invalid(`Could not find repo: ${input['repo']}`)
      },
    },
    'com.atproto.sync.getBlob': {
      ...onPds,
      query: { did: 'text', cid: 'text' },
      check: getBlobInput,
      async answer({ input }) {
        const stored = state.accounts.get(input['did'] as string)?.blobs.get(input['cid'] as string)
        const body = stored && (await tools.blobs.get(sha256OfCid(input['cid'] as string)))
        if (!stored || !body) return refusal(400, 'BlobNotFound', 'Blob not found')
        const headers = {
          'content-security-policy': "default-src 'none'; sandbox",
          'x-content-type-options': 'nosniff',
        }
        return { status: 200, contentType: stored.mimeType, headers, body }
      },
    },
    'com.atproto.identity.resolveHandle': {
      ...proxied,
      query: { handle: 'text' },
      check: resolveHandleInput,
      answer({ input }) {
        const account = state.byHandle.get((input['handle'] as string).toLowerCase())
        return account ? ok({ did: account.did }) : invalid('Unable to resolve handle')
      },
    },
    'app.bsky.actor.getProfile': {
      ...proxied,
      query: { actor: 'text' },
      check: getProfileInput,
      answer({ input }) {
        const account = findAccount(state, input['actor'] as string)
        return account ? ok(profileView(account)) : invalid('Profile not found')
      },
    },
    'app.bsky.feed.getPosts': {
      ...proxied,
      query: { uris: 'list' },
      check: getPostsInput,
      answer({ input }) {
        const posts = (input['uris'] as string[]).flatMap((uri) => {
          const [, did, collection, rkey] = /^at:\/\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(uri) ?? []
          const account = did ? findAccount(state, did) : null
          const record = account && collection === postCollection ? findRecord(account, collection, rkey!) : null
          return account && record ? [postView(account, record)] : []
        })
        return ok({ posts })
      },
    },
  }
}

/** Newest key first, like the PDS; `cursor` is the last key of the page before. */
function recordsOf(account: Account, input: JsonObject): VendorReply {
  const { collection, cursor } = input as Record<string, string>
  const limit = (input['limit'] as number | undefined) ?? 50
  const forwards = input['reverse'] === true
  const keys = [...(account.records.get(collection!)?.keys() ?? [])].sort()
  if (!forwards) keys.reverse()
  const rest = cursor === undefined ? keys : keys.filter((key) => (forwards ? key > cursor : key < cursor))
  const page = rest.slice(0, limit)
  const records = page.map((rkey) => {
    const { uri, cid, value } = findRecord(account, collection!, rkey)!
    return { uri, cid, value }
  })
  return ok(rest.length > limit ? { cursor: page.at(-1)!, records } : { records })
}

function profileView(account: Account): JsonObject {
  return {
    did: account.did,
    handle: account.handle,
    displayName: account.handle.split('.')[0]!,
    followersCount: 0,
    followsCount: 0,
    postsCount: account.records.get(postCollection)?.size ?? 0,
    createdAt: account.createdAt,
    indexedAt: account.createdAt,
  }
}

function postView(account: Account, { uri, cid, value, at }: StoredRecord): JsonObject {
  const { did, handle } = account
  const counts = { bookmarkCount: 0, replyCount: 0, repostCount: 0, likeCount: 0, quoteCount: 0 }
  return { uri, cid, author: { did, handle }, record: value, ...counts, indexedAt: at }
}
