import type { JsonObject } from '../../model/platform.ts'
import type { VendorReply } from '../emulator.ts'
import { cidOf } from './encoding/cid.ts'
import { dagCbor } from './encoding/dag-cbor.ts'
import { type BlobRef, isBlobRef } from './lexicon/checker.ts'
import { createRecordInput, deleteRecordInput, putRecordInput } from './lexicon/inputs.ts'
import { validationStatus } from './lexicon/record-check.ts'
import { type Network, nextCommit } from './network.ts'
import { writePoints } from './rate-limits.ts'
import { type Account, findAccount, findRecord, type StoredRecord } from './state.ts'
import { type Given, invalid, type Method, ok, refusal } from './xrpc.ts'

export function recordMethods(network: Network): Record<string, Method> {
  const common = { http: 'POST', hosts: ['entryway', 'pds'], auth: 'access' } as const
  const disturbs = ['expire_token', 'revoke_token', 'lose_media'] as const
  return {
    'com.atproto.repo.putRecord': {
      ...common,
      kind: 'publish',
      check: putRecordInput,
      disturbs,
      answer: (given) => write(network, given, 'put'),
    },
    'com.atproto.repo.createRecord': {
      ...common,
      kind: 'publish',
      check: createRecordInput,
      disturbs,
      answer: (given) => write(network, given, 'create'),
    },
    'com.atproto.repo.deleteRecord': {
      ...common,
      kind: 'other',
      check: deleteRecordInput,
      disturbs: ['expire_token', 'revoke_token'],
      answer: (given) => remove(network, given),
    },
  }
}

interface WriteInput {
  repo: string
  collection: string
  rkey?: string
  validate?: boolean
  record: JsonObject
  swapRecord?: string | null
  swapCommit?: string
}

/** Of two writes of one key the first wins or is told of: nothing here waits between looking and committing. */
async function write(network: Network, given: Given, how: 'put' | 'create'): Promise<VendorReply> {
  const { account, request } = given
  const input = given.input as unknown as WriteInput
  const foreign = repoProblem(network, account!, input.repo)
  if (foreign) return foreign
  const { collection, validate, rkey = network.nextTid() } = input
  const before = findRecord(account!, collection, rkey)
  const { headers, refused } = network.meters.writes.use(account!.did, writePoints[how])
  if (refused) return refused

  const value: JsonObject = { $type: collection, ...input.record }
  const cid = cidOf(dagCbor(value), 'dag-cbor')
  const written = { uri: `at://${account!.did}/${collection}/${rkey}`, cid }
  const status = validationStatus(collection, validate)
  const verdict: JsonObject = status === undefined ? {} : { validationStatus: status }
  // As observed on a real PDS: an opaque 500, whether or not the content is the same.
  if (how === 'create' && before) return refusal(500, 'InternalServerError', 'Internal Server Error')
  if (before?.cid === cid) return ok({ ...written, ...verdict }, headers)
  const stale = swapProblem(account!, input, before) ?? blobProblem(account!, value)
  if (stale) return stale

  const commit = nextCommit(network, account!, { [rkey]: { $link: cid } })
  const at = request.receivedAt.toISOString()
  await network.commit({ is: 'write', did: account!.did, collection, rkey, cid, value, at, commit })
  return ok({ ...written, commit, ...verdict }, headers)
}

async function remove(network: Network, { account, input }: Given): Promise<VendorReply> {
  const { repo, collection, rkey } = input as Record<string, string>
  const foreign = repoProblem(network, account!, repo!)
  if (foreign) return foreign
  const before = findRecord(account!, collection!, rkey!)
  if (!before) return ok({})
  const { headers, refused } = network.meters.writes.use(account!.did, writePoints.delete)
  if (refused) return refused
  const stale = swapProblem(account!, input as unknown as WriteInput, before)
  if (stale) return stale
  const commit = nextCommit(network, account!, { [rkey!]: null })
  await network.commit({ is: 'delete', did: account!.did, collection: collection!, rkey: rkey!, commit })
  return ok({ commit }, headers)
}

function repoProblem({ state }: Network, account: Account, repo: string): VendorReply | null {
  const owner = findAccount(state, repo)
  if (!owner) return invalid(`Could not find account: ${repo}`)
  return owner === account ? null : refusal(401, 'AuthenticationRequired', 'Authentication Required')
}

/** `swapRecord` null: nothing may be there; a CID: exactly that; absent: whatever. */
function swapProblem(account: Account, input: WriteInput, before: StoredRecord | null): VendorReply | null {
  const { swapRecord, swapCommit } = input
  const is = before?.cid ?? null
  if (swapRecord !== undefined && swapRecord !== is) return refusal(400, 'InvalidSwap', `Record was at ${is}`)
  const head = account.commit?.cid ?? null
  if (swapCommit !== undefined && swapCommit !== head) return refusal(400, 'InvalidSwap', `Commit was at ${head}`)
  return null
}

/** Every file that a record names must have been uploaded to the same repository, as what the record says. */
function blobProblem(account: Account, record: JsonObject): VendorReply | null {
  for (const { ref, mimeType, size } of blobRefs(record)) {
    const stored = account.blobs.get(ref.$link)
    if (!stored) return refusal(400, 'BlobNotFound', `Could not find blob: ${ref.$link}`)
    if (stored.mimeType !== mimeType) {
      const message = `Referenced Mimetype does not match stored blob. Expected: ${stored.mimeType}, Got: ${mimeType}`
      return refusal(400, 'InvalidMimeType', message)
    }
    if (stored.size !== size) {
      return refusal(
        400,
        'InvalidSize',
        `Referenced size does not match stored blob. Expected: ${stored.size}, Got: ${size}`,
      )
    }
  }
  return null
}

/** Every reference to a file, however deep. */
export function blobRefs(value: unknown): BlobRef[] {
  if (typeof value !== 'object' || value === null) return []
  if (isBlobRef(value)) return [value]
  return Object.values(value).flatMap(blobRefs)
}
