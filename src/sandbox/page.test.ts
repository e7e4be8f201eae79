import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { newRkey, openSandbox, pds, png, post } from '../../test/sandbox/setup.ts'

async function setup(t: TestContext) {
  const sandbox = await openSandbox(t)
  const alice = await sandbox.account('alice')
  const upload = async (bytes: Buffer, type = 'image/png') => {
    const headers = { authorization: `Bearer ${alice.access_token}`, 'content-type': type }
    return (await sandbox.call('POST', `${pds}/xrpc/com.atproto.repo.uploadBlob`, bytes, headers)).body.blob
  }
  return {
    ...sandbox,
    upload,
    publish: async (record: object) => assert.equal((await sandbox.put(alice, newRkey(), record)).status, 200),
    page: async (query = '') => (await sandbox.call('GET', `/sandbox/${query}`)).body as string,
  }
}

const link = (uri: string, byteStart: number, byteEnd: number) => ({
  index: { byteStart, byteEnd },
  features: [{ $type: 'app.bsky.richtext.facet#link', uri }],
})

test('nothing that a post says becomes markup', async (t) => {
  const { publish, upload, page } = await setup(t)
  const attack = '<script>alert("1")</script>\'&'
  const image = await upload(png())
  await publish(
    post(attack, { embed: { $type: 'app.bsky.embed.images', images: [{ image, alt: `"><script>${attack}` }] } }),
  )
  const external = { uri: 'https://example.com/?<script>', title: attack, description: attack }
  await publish(post(attack, { embed: { $type: 'app.bsky.embed.external', external } }))
  const shown = await page(`?q=${encodeURIComponent('<script>')}`)
  assert.equal(shown.includes('<script'), false)
  assert.ok(shown.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;'))
})

test('facets are links by bytes, and a script address stays text', async (t) => {
  const { publish, page } = await setup(t)
  const text = 'über link bad'
  const facets = [link('https://example.com/a?b=1&c=2', 6, 10), link('javascript:alert(1)', 11, 14)]
  await publish(post(text, { facets }))
  const shown = await page()
  assert.ok(
    shown.includes('über <a href="https://example.com/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">link</a> bad'),
  )
  assert.equal(shown.includes('javascript:'), false)
})

test('the page loads nothing from elsewhere and runs nothing', async (t) => {
  const { call, publish, upload } = await setup(t)
  const image = await upload(png())
  await publish(post('x', { embed: { $type: 'app.bsky.embed.images', images: [{ image, alt: 'a dot' }] } }))
  const { headers, body } = await call('GET', '/sandbox/')
  const policy = headers.get('content-security-policy')!
  assert.match(policy, /default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; img-src 'self'/)
  const [, style] = /<style>([^<]*)<\/style>/.exec(body)!
  assert.ok(policy.includes(`'sha256-${createHash('sha256').update(style!).digest('base64')}'`), 'the style is allowed')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  const [, src] = /<img src="([^"]+)" alt="a dot"/.exec(body)!
  const picture = await call('GET', src!)
  assert.equal(picture.status, 200)
  assert.equal(picture.headers.get('content-type'), 'image/png')
  for (const [, address] of body.matchAll(/(?:src|action)="([^"]+)"/g)) assert.match(address!, /^\/sandbox\//)
})

test('uploaded bytes that are no picture are a download, whatever their sender called them', async (t) => {
  const { call, upload } = await setup(t)
  const { ref } = await upload(Buffer.from('<svg onload="alert(1)"/>'), 'image/svg+xml')
  const { sha256OfCid } = await import('./bluesky/encoding/cid.ts')
  const { headers } = await call('GET', `/sandbox/media/${sha256OfCid(ref.$link)}`)
  assert.equal(headers.get('content-type'), 'application/octet-stream')
  assert.equal(headers.get('content-disposition'), 'attachment')
  assert.equal((await call('GET', '/sandbox/media/..%2fjournal.jsonl')).status, 404)
})

test('the newest post comes first, and the page can be narrowed to words', async (t) => {
  const { publish, page } = await setup(t)
  assert.match(await page(), /Nothing is published yet/)
  await publish(post('older words'))
  await publish(post('newer words'))
  const shown = await page()
  assert.ok(shown.indexOf('newer words') < shown.indexOf('older words'))
  assert.match(shown, /@alice\.belfry-sandbox\.test/)
  const narrowed = await page('?q=older&platform=bluesky')
  assert.equal(narrowed.includes('newer words'), false)
  assert.match(await page('?limit=1'), /Show more/)
})
