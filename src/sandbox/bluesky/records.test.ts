import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'
import { newRkey, type Opened, openSandbox, png, post } from '../../../test/sandbox/setup.ts'
import type { ReadyAccount } from '../emulator.ts'

async function upload({ call }: Opened, account: ReadyAccount, bytes: Buffer, type = 'image/png') {
  const path = '/bluesky/pds.belfry-sandbox.test/xrpc/com.atproto.repo.uploadBlob'
  const headers = { authorization: `Bearer ${account.access_token}`, 'content-type': type }
  const { status, body } = await call('POST', path, bytes, headers)
  assert.equal(status, 200, JSON.stringify(body))
  return body.blob
}

const images = (blobs: object[]) => ({
  embed: { $type: 'app.bsky.embed.images', images: blobs.map((image, index) => ({ image, alt: `picture ${index}` })) },
})

test('the same write twice is one post, with the same uri and cid and no second commit', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const rkey = newRkey()
  const first = await sandbox.put(alice, rkey, post('once'))
  assert.equal(first.status, 200)
  assert.equal(first.body.uri, `at://${alice.user_id}/app.bsky.feed.post/${rkey}`)
  assert.equal(first.body.validationStatus, 'valid')
  assert.match(first.body.commit.rev, /^3[a-z2-7]{12}$/)
  const again = await sandbox.put(alice, rkey, post('once'))
  assert.equal(again.status, 200)
  assert.deepEqual([again.body.uri, again.body.cid], [first.body.uri, first.body.cid])
  assert.equal('commit' in again.body, false)
  const published = await sandbox.call('GET', '/sandbox/published')
  assert.equal(published.body.data.length, 1)
})

test('other content at a key that must be free answers InvalidSwap and changes nothing', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const rkey = newRkey()
  const { body: first } = await sandbox.put(alice, rkey, post('first'))
  const second = await sandbox.put(alice, rkey, post('second'))
  assert.deepEqual([second.status, second.body.error], [400, 'InvalidSwap'])
  assert.equal(second.body.message, `Record was at ${first.cid}`)
  const absent = await sandbox.put(alice, newRkey(), post('x'), { swapRecord: first.cid })
  assert.deepEqual([absent.status, absent.body.error], [400, 'InvalidSwap'])
  const edited = await sandbox.put(alice, rkey, post('third'), { swapRecord: first.cid })
  assert.equal(edited.status, 200)
  const { body } = await sandbox.call('GET', '/sandbox/published')
  assert.deepEqual(
    body.data.map((entry: { caption: string }) => entry.caption),
    ['third'],
  )
})

test('of two different writes of one key at the same moment exactly one wins', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const rkey = newRkey()
  const answers = await Promise.all(
    Array.from({ length: 8 }, (_, index) => sandbox.put(alice, rkey, post(`try ${index}`))),
  )
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(400)])
})

test('createRecord chooses a key, and answers an opaque 500 for one that exists', async (t) => {
  const { account, xrpc } = await openSandbox(t)
  const { user_id: repo, access_token } = await account()
  const create = (more: object) => {
    const body = { repo, collection: 'app.bsky.feed.post', record: post('made'), ...more }
    return xrpc('POST', 'com.atproto.repo.createRecord', body, access_token)
  }
  const made = await create({})
  assert.match(made.body.uri, /\/3[a-z2-7]{12}$/)
  const again = await create({ rkey: made.body.uri.split('/').at(-1) })
  assert.deepEqual([again.status, again.body.error], [500, 'InternalServerError'])
})

test('a key that is no TID, a foreign repository and another type are refused', async (t) => {
  const sandbox = await openSandbox(t)
  const [alice, bob] = [await sandbox.account(), await sandbox.account()]
  const refused = async (
    expected: number,
    message: RegExp,
    more: object,
    rkey = newRkey(),
    record: object = post('x'),
  ) => {
    const { status, body } = await sandbox.put(alice, rkey, record, more)
    assert.equal(status, expected)
    assert.match(body.message, message)
  }
  await refused(400, /^Invalid TID string/, {}, 'belfry-post-123')
  await refused(401, /^Authentication Required$/, { repo: bob.user_id })
  await refused(400, /^Could not find account/, { repo: 'did:plc:aaaaaaaaaaaaaaaaaaaaaaaa' })
  await refused(400, /^Invalid \$type: expected app.bsky.feed.post/, {}, newRkey(), {
    ...post('x'),
    $type: 'app.bsky.feed.like',
  })
  await refused(400, /rkey/, {}, 'a/b')
  await refused(400, /collection/, { collection: 'nope' })
  assert.equal((await sandbox.call('GET', '/sandbox/published')).body.data.length, 0)
})

test('a record is read, listed newest first, and deleted; a missing one answers RecordNotFound', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const rkeys = [newRkey(), newRkey(), newRkey()]
  for (const [index, rkey] of rkeys.entries()) await sandbox.put(alice, rkey, post(`number ${index}`))
  const query = `repo=${alice.user_id}&collection=app.bsky.feed.post`
  const read = (rkey: string) => sandbox.xrpc('GET', `com.atproto.repo.getRecord?${query}&rkey=${rkey}`)
  assert.equal((await read(rkeys[1]!)).body.value.text, 'number 1')
  const absent = await read(newRkey())
  assert.deepEqual([absent.status, absent.body.error], [400, 'RecordNotFound'])

  const { body: page } = await sandbox.xrpc('GET', `com.atproto.repo.listRecords?${query}&limit=2`)
  const { body: rest } = await sandbox.xrpc(
    'GET',
    `com.atproto.repo.listRecords?${query}&limit=2&cursor=${page.cursor}`,
  )
  const texts = [...page.records, ...rest.records].map((record: { value: { text: string } }) => record.value.text)
  assert.deepEqual(texts, ['number 2', 'number 1', 'number 0'])
  assert.equal(rest.cursor, undefined)

  const input = { repo: alice.user_id, collection: 'app.bsky.feed.post', rkey: rkeys[0] }
  assert.equal((await sandbox.xrpc('POST', 'com.atproto.repo.deleteRecord', input, alice.access_token)).status, 200)
  assert.equal((await read(rkeys[0]!)).status, 400)
  assert.equal((await sandbox.call('GET', '/sandbox/published')).body.data.length, 2)
})

test('an upload is named by its content, and its bytes decide the type, not the header', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const blob = await upload(sandbox, alice, png(), 'image/jpeg')
  assert.equal(blob.mimeType, 'image/png')
  assert.equal(blob.size, png().length)
  assert.match(blob.ref.$link, /^bafkrei/)
  assert.deepEqual(await upload(sandbox, alice, png()), blob)
  const stored = await sandbox.xrpc('GET', `com.atproto.sync.getBlob?did=${alice.user_id}&cid=${blob.ref.$link}`)
  assert.equal(stored.headers.get('content-type'), 'image/png')
})

test('a published post shows its media, alt texts, facets and languages', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const files = [png('a'), png('b')]
  const blobs = await Promise.all(files.map((bytes) => upload(sandbox, alice, bytes)))
  const facets = [
    { index: { byteStart: 6, byteEnd: 10 }, features: [{ $type: 'app.bsky.richtext.facet#tag', tag: 'tag' }] },
  ]
  const rkey = newRkey()
  const { body: made } = await sandbox.put(alice, rkey, post('see ü#tag', { ...images(blobs), facets, langs: ['en'] }))
  const { data } = (await sandbox.call('GET', '/sandbox/published')).body
  assert.deepEqual(
    data[0].media,
    files.map((bytes) => ({
      type: 'image/png',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })),
  )
  assert.equal(data[0].id, made.uri)
  assert.equal(data[0].url, `https://bsky.app/profile/${alice.user_id}/post/${rkey}`)
  assert.equal(data[0].caption, 'see ü#tag')
  const { embed, alt, langs, cid } = data[0].options
  assert.deepEqual([embed, alt, langs, cid], ['app.bsky.embed.images', ['picture 0', 'picture 1'], ['en'], made.cid])
  assert.deepEqual(data[0].options.facets, facets)
})

test('files must have been uploaded to the same repository, as what the record says they are', async (t) => {
  const sandbox = await openSandbox(t)
  const [alice, bob] = [await sandbox.account(), await sandbox.account()]
  const blob = await upload(sandbox, alice, png())
  const write = async (account: ReadyAccount, image: object) =>
    (await sandbox.put(account, newRkey(), post('x', images([image])))).body.error
  assert.equal(await write(bob, blob), 'BlobNotFound')
  assert.equal(await write(alice, { ...blob, mimeType: 'image/jpeg' }), 'InvalidMimeType')
  assert.equal(await write(alice, { ...blob, size: 1 }), 'InvalidSize')
  assert.equal(await write(alice, blob), undefined)
})

test('the write after 5,000 points of an hour waits for the window, with headers that say so', async (t) => {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account()
  const put = (rkey: string) => sandbox.put(alice, rkey, post('point'))
  const rkey = newRkey()
  for (let sent = 0; sent < 2_500; sent += 50) await Promise.all(Array.from({ length: 50 }, () => put(rkey)))
  const refused = await put(newRkey())
  assert.deepEqual([refused.status, refused.body.error], [429, 'RateLimitExceeded'])
  assert.equal(refused.headers.get('ratelimit-limit'), '5000')
  sandbox.clock.forward(3_600_000)
  assert.equal((await put(newRkey())).status, 200)
})

test('more than JSON, or more JSON than the PDS takes, is refused before anything else', async (t) => {
  const { account, call, put } = await openSandbox(t)
  const alice = await account()
  const path = '/bluesky/bsky.social/xrpc/com.atproto.repo.putRecord'
  const headers = { authorization: `Bearer ${alice.access_token}` }
  const wrongType = await call('POST', path, Buffer.from('{}'), { ...headers, 'content-type': 'text/plain' })
  assert.match(wrongType.body.message, /^Wrong request encoding/)
  const untyped = await call('POST', path, Buffer.from('{}'), headers)
  assert.match(untyped.body.message, /^Request encoding \(Content-Type\) required/)
  const empty = await call('POST', path, undefined, { ...headers, 'content-type': 'application/json' })
  assert.match(empty.body.message, /^A request body is expected/)
  const broken = await call('POST', path, Buffer.from('{"a":'), { ...headers, 'content-type': 'application/json' })
  assert.equal(broken.status, 400)
  const long = await put(alice, newRkey(), post('x', { filler: 'y'.repeat(160_000) }))
  assert.equal(long.status, 413)
  const nested = `${'['.repeat(60_000)}${']'.repeat(60_000)}`
  const input = {
    repo: alice.user_id,
    collection: 'app.bsky.feed.post',
    rkey: newRkey(),
    record: post('x', { nested: 0 }),
  }
  const text = Buffer.from(JSON.stringify(input).replace('"nested":0', `"nested":${nested}`))
  const deep = await call('POST', path, text, { ...headers, 'content-type': 'application/json' })
  assert.match(deep.body.message, /nested too deeply/)
})
