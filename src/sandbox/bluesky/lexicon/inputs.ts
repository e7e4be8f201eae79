import type { JsonObject } from '../../../model/platform.ts'
import { checker, type Schema } from './checker.ts'
import { recordProblem } from './record-check.ts'

/** Bodies and queries of the methods. @see https://github.com/bluesky-social/atproto/tree/main/lexicons (commit d6296a1) */
const text: Schema = { type: 'string' }
const repo: Schema = { type: 'string', format: 'at-identifier' }
const collection: Schema = { type: 'string', format: 'nsid' }
const rkey: Schema = { type: 'string', format: 'record-key' }
const cid: Schema = { type: 'string', format: 'cid' }
const validate: Schema = { type: 'boolean' }
const record: Schema = { type: 'object' }

function input(properties: Record<string, Schema>, required: string[]): (value: unknown) => string | null {
  const check = checker({ type: 'object', properties, required }, 'Input')
  return (value) => check(value)
}

export const createSessionInput = input(
  { identifier: text, password: text, authFactorToken: text, allowTakendown: { type: 'boolean' } },
  ['identifier', 'password'],
)

const writeFields = { repo, collection, rkey, validate, record, swapCommit: cid }
const putFields = input({ ...writeFields, swapRecord: { type: ['string', 'null'], format: 'cid' } }, [
  'repo',
  'collection',
  'rkey',
  'record',
])
const createFields = input(writeFields, ['repo', 'collection', 'record'])

export const putRecordInput = (given: JsonObject) => putFields(given) ?? recordIn(given)
export const createRecordInput = (given: JsonObject) => createFields(given) ?? recordIn(given)

function recordIn(given: JsonObject): string | null {
  return recordProblem(
    given['collection'] as string,
    (given['rkey'] as string | undefined) ?? null,
    given['record'] as JsonObject,
    given['validate'] as boolean | undefined,
  )
}

export const deleteRecordInput = input({ repo, collection, rkey, swapRecord: cid, swapCommit: cid }, [
  'repo',
  'collection',
  'rkey',
])
export const getRecordInput = input({ repo, collection, rkey, cid }, ['repo', 'collection', 'rkey'])
export const listRecordsInput = input(
  { repo, collection, limit: { type: 'integer', minimum: 1, maximum: 100 }, cursor: text, reverse: validate },
  ['repo', 'collection'],
)
export const resolveHandleInput = input({ handle: { type: 'string', format: 'handle' } }, ['handle'])
export const getProfileInput = input({ actor: repo }, ['actor'])
export const getPostsInput = input(
  { uris: { type: 'array', items: { type: 'string', format: 'at-uri' }, maxItems: 25 } },
  ['uris'],
)
export const getBlobInput = input({ did: { type: 'string', format: 'did' }, cid }, ['did', 'cid'])
