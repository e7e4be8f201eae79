import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { jsonToLex, type LexiconDoc, Lexicons } from '@atproto/lexicon'
import {
  blob,
  cid,
  external,
  galleryItem,
  image,
  record,
  rkey,
  valid,
} from '../../../../test/sandbox/bluesky-records.ts'
import { newRkey, openSandbox, pds, png, post } from '../../../../test/sandbox/setup.ts'
import type { JsonObject } from '../../../model/platform.ts'
import { createRecordInput, createSessionInput, deleteRecordInput, putRecordInput } from './inputs.ts'
import { recordProblem } from './record-check.ts'

const root = join(import.meta.dirname, '../../../..')
const folder = join(process.env['BELFRY_VENDOR_SPECS'] ?? join(root, '../shared/vendor-specs'), 'atproto-lexicons')
const vendor = existsSync(folder) ? loadVendor() : null

function loadVendor(): Lexicons {
  const files = globSync('**/*.json', { cwd: folder })
  return new Lexicons(files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as LexiconDoc))
}

/** The vendor's verdict, or skips and says how many checks that leaves out. */
function specs(t: TestContext, checks: number): Lexicons | null {
  if (!vendor) t.skip(`${checks} checks against the vendor's lexicons skipped: set BELFRY_VENDOR_SPECS`)
  return vendor
}

function ours(value: JsonObject): string | null {
  return recordProblem('app.bsky.feed.post', rkey, value, true)
}

function theirs(lexicons: Lexicons, value: unknown): string | null {
  try {
    lexicons.assertValidRecord('app.bsky.feed.post', jsonToLex(value as Parameters<typeof jsonToLex>[0]))
    return null
  } catch (error) {
    return (error as Error).message
  }
}

/** Every way to break one place of a value: taken out, of another type, too much of it, of a wrong form. */
function mutations(value: unknown, path: string, put: (changed: unknown) => JsonObject): [string, JsonObject][] {
  const found: [string, JsonObject][] = []
  const change = (how: string, changed: unknown) => found.push([`${path} ${how}`, put(changed)])
  if (path !== '$' && path !== '$.$type') {
    for (const other of [null, true, 7, -1, 1.5, 'not this', '', [], {}, ['x'], 'x'.repeat(3_001)])
      change(`= ${shown(other)}`, other)
  }
  if (Array.isArray(value)) {
    change('× 30', Array(30).fill(value[0]))
    for (const [index, item] of value.entries()) {
      found.push(...mutations(item, `${path}[${index}]`, (changed) => put(value.with(index, changed))))
    }
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as JsonObject
      if (path !== '$' || key !== '$type') found.push([`${path} without ${key}`, put(rest)])
      found.push(...mutations(inner, `${path}.${key}`, (changed) => put({ ...value, [key]: changed })))
    }
  }
  return found
}

function shown(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length > 40 ? `${json.slice(0, 40)}…` : json
}

/**
 * Where the emulator refuses what the lexicon alone lets pass: facets outside of the text (promised in the
 * sandbox's docs), types and sizes of files (checked by the PDS, not by the lexicon library), datetimes that
 * the specification forbids, CIDs and links in forms that atproto does not use.
 */
const stricter =
  /byteStart|byteEnd|a character of the text is cut|blob too big|Expected "|Expected blob|Invalid datetime|Invalid cid|Invalid CID link|Expected integer/

test('every record that the adapter may send is valid for the vendor and for the emulator', (t) => {
  const lexicons = specs(t, Object.keys(valid).length)
  if (!lexicons) return
  for (const [name, value] of Object.entries(valid)) {
    assert.equal(theirs(lexicons, value), null, name)
    assert.equal(ours(value), null, name)
  }
})

test('what the vendor refuses the emulator refuses, and it refuses no more than it says', (t) => {
  const broken = Object.entries(valid).flatMap(([name, value]) =>
    mutations(value, '$', (changed) => changed as JsonObject).map(
      ([how, changed]) => [`${name}: ${how}`, changed] as const,
    ),
  )
  const lexicons = specs(t, broken.length)
  if (!lexicons) return
  let refusedByBoth = 0
  for (const [name, value] of broken) {
    const [vendorSays, weSay] = [theirs(lexicons, value), ours(value)]
    if (vendorSays !== null) {
      assert.notEqual(weSay, null, `${name}: the vendor says ${vendorSays}`)
      refusedByBoth += 1
    } else if (weSay !== null) assert.match(weSay, stricter, name)
  }
  t.diagnostic(`${broken.length} broken records, ${refusedByBoth} refused by both`)
  assert.ok(refusedByBoth > 1_000, `only ${refusedByBoth} of ${broken.length} were refused`)
})

test('limits are where the vendor has them', (t) => {
  const over: Record<string, JsonObject> = {
    'text of 301 graphemes': record('é'.repeat(301)),
    'text of 3025 bytes': record('👨‍👩‍👧‍👦'.repeat(121)),
    'five images': record('x', { embed: { $type: 'app.bsky.embed.images', images: Array(5).fill(image()) } }),
    '21 gallery items': record('x', { embed: { $type: 'app.bsky.embed.gallery', items: Array(21).fill(galleryItem) } }),
    'four languages': record('x', { langs: ['en', 'de', 'fr', 'it'] }),
    'nine tags': record('x', { tags: Array(9).fill('t') }),
    'a tag of 65 graphemes': record('x', { tags: ['t'.repeat(65)] }),
    'a bad language': record('x', { langs: ['english language'] }),
    'a bad date': record('x', { createdAt: '2026-11-24 10:00' }),
    'no date': { $type: 'app.bsky.feed.post', text: 'x' },
    'a bad link': record('ab', { embed: { ...external, external: { uri: 'nope', title: '', description: '' } } }),
    'a bad did': record('ab', {
      facets: [
        { index: { byteStart: 0, byteEnd: 1 }, features: [{ $type: 'app.bsky.richtext.facet#mention', did: 'alice' }] },
      ],
    }),
    'a gallery item without ratio': record('x', {
      embed: { $type: 'app.bsky.embed.gallery', items: [{ $type: 'app.bsky.embed.gallery#image', ...image(false) }] },
    }),
  }
  for (const [name, value] of Object.entries(over)) assert.notEqual(ours(value), null, name)
  const lexicons = specs(t, Object.keys(over).length)
  if (!lexicons) return
  for (const [name, value] of Object.entries(over)) assert.notEqual(theirs(lexicons, value), null, name)
})

test('files beyond the lexicon’s type and size are refused, in the PDS’s words', () => {
  const withImage = (file: JsonObject) =>
    ours(record('x', { embed: { $type: 'app.bsky.embed.images', images: [{ image: file, alt: '' }] } }))
  assert.equal(withImage(blob('image/png', 2_000_000)), null)
  assert.match(
    withImage(blob('image/png', 2_000_001))!,
    /blob too big \(maximum 2000000, got 2000001\) at \$\.record\.embed\.images\[0\]\.image$/,
  )
  assert.match(withImage(blob('video/mp4'))!, /Expected "image\/\*" \(got "video\/mp4"\)/)
  const thumb = { ...(external['external'] as JsonObject), thumb: blob('image/png', 1_000_001) }
  assert.match(ours(record('x', { embed: { ...external, external: thumb } }))!, /maximum 1000000/)
})

test('facets must lie in the text and between its characters', () => {
  const at = (byteStart: number, byteEnd: number) =>
    ours(record('aé', { facets: [{ index: { byteStart, byteEnd }, features: [] }] }))
  assert.equal(at(1, 3), null)
  assert.match(at(1, 2)!, /cut/)
  assert.match(at(0, 4)!, /past the text of 3 bytes/)
  assert.match(at(1, 1)!, /not before/)
})

test('bodies that the vendor refuses are refused by the methods', (t) => {
  const write = { repo: 'did:plc:abc', collection: 'app.bsky.feed.post', rkey, record: record('x') }
  const inputs: [string, (input: JsonObject) => string | null, JsonObject][] = [
    ['com.atproto.server.createSession', createSessionInput, { identifier: 'a', password: 'b', authFactorToken: 'c' }],
    ['com.atproto.repo.putRecord', putRecordInput, { ...write, validate: true, swapRecord: cid, swapCommit: cid }],
    ['com.atproto.repo.createRecord', createRecordInput, { ...write, validate: true, swapCommit: cid }],
    [
      'com.atproto.repo.deleteRecord',
      deleteRecordInput,
      { repo: 'a.example', collection: 'app.bsky.feed.post', rkey, swapRecord: cid },
    ],
  ]
  const broken = inputs.flatMap(([method, check, input]) => [
    ...Object.keys(input).map((key) => {
      const { [key]: _, ...rest } = input
      return { method, check, name: `without ${key}`, input: rest as JsonObject }
    }),
    ...Object.keys(input).flatMap((key) =>
      [7, null, true, 'a b', {}].map((value) => ({
        method,
        check,
        name: `${key} = ${shown(value)}`,
        input: { ...input, [key]: value },
      })),
    ),
  ])
  const lexicons = specs(t, broken.length + inputs.length)
  if (!lexicons) return
  const accepts = (method: string, input: JsonObject) => {
    try {
      lexicons.assertValidXrpcInput(method, jsonToLex(input))
      return true
    } catch {
      return false
    }
  }
  for (const [method, check, input] of inputs) {
    assert.equal(check(input), null, method)
    assert.ok(accepts(method, input), method)
  }
  let refused = 0
  for (const { method, check, name, input } of broken) {
    if (accepts(method, input)) continue
    assert.notEqual(check(input), null, `${method} ${name}`)
    refused += 1
  }
  assert.ok(refused > 60, String(refused))
})

test('what the emulator answers is what the vendor promises', async (t) => {
  const lexicons = specs(t, 11)
  if (!lexicons) return
  const { account, xrpc, call } = await openSandbox(t)
  const { username, user_id: repo, metadata, access_token, refresh_token } = await account()
  const answered = (method: string, { status, body }: { status: number; body: unknown }) => {
    assert.equal(status, 200, `${method}: ${JSON.stringify(body)}`)
    lexicons.assertValidXrpcOutput(method, jsonToLex(body as Parameters<typeof jsonToLex>[0]))
    return body
  }
  const post1 = (method: string, body: unknown, token?: string) =>
    xrpc('POST', method, body, token).then((answer) => answered(method, answer))
  const get = (method: string, query: string, token?: string) =>
    xrpc('GET', `${method}?${query}`, undefined, token).then((answer) => answered(method, answer))
  const key = newRkey()
  const write = { repo, collection: 'app.bsky.feed.post', rkey: key, record: post('x'), swapRecord: null }
  await post1('com.atproto.server.createSession', { identifier: username, password: metadata['bluesky_app_password'] })
  await post1('com.atproto.server.refreshSession', undefined, refresh_token!)
  await get('com.atproto.server.getSession', '', access_token)
  await post1('com.atproto.repo.putRecord', write, access_token)
  await post1('com.atproto.repo.putRecord', write, access_token)
  const uri = `at://${repo}/app.bsky.feed.post/${key}`
  await get('com.atproto.repo.getRecord', `repo=${repo}&collection=app.bsky.feed.post&rkey=${key}`)
  await get('com.atproto.repo.listRecords', `repo=${repo}&collection=app.bsky.feed.post`)
  await get('com.atproto.identity.resolveHandle', `handle=${username}`)
  await get('app.bsky.actor.getProfile', `actor=${repo}`)
  await get('app.bsky.feed.getPosts', `uris=${uri}`)
  const headers = { authorization: `Bearer ${access_token}`, 'content-type': 'image/png' }
  answered('com.atproto.repo.uploadBlob', await call('POST', `${pds}/xrpc/com.atproto.repo.uploadBlob`, png(), headers))
})
