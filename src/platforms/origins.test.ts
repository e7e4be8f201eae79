import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platformNames } from '../model/platform.ts'
import type { OutboundRequest } from '../security/outbound.ts'
import { type Origins, originLabel, platformOutbound } from './origins.ts'
import { platformOf } from './registry.ts'

async function dialled(url: string, origins: Origins): Promise<string> {
  let asked: OutboundRequest | null = null
  const outbound = {
    async request(request: OutboundRequest) {
      asked = request
      return { status: 200, headers: {}, body: Buffer.alloc(0), url: request.url }
    },
  }
  await platformOutbound({ outbound, platform: 'bluesky', origins }).request({ url })
  return asked!['url']
}

const vendor = 'https://bsky.social/xrpc/com.example?x=1&y=%2F'
const learned = 'https://pds.example.com:8443/xrpc/a'

test('without settings a request goes where the adapter wrote', async () => {
  const origins = { sandboxUrl: null, baseUrls: {} }
  assert.equal(await dialled(vendor, origins), vendor)
  assert.equal(originLabel('bluesky', origins), 'https://bsky.social')
})

test('with a sandbox no request goes anywhere else, learned hosts included', async () => {
  const origins = { sandboxUrl: 'http://127.0.0.1:4400/', baseUrls: { bluesky: 'https://elsewhere.example' } }
  assert.equal(await dialled(vendor, origins), 'http://127.0.0.1:4400/bluesky/bsky.social/xrpc/com.example?x=1&y=%2F')
  assert.equal(await dialled(learned, origins), 'http://127.0.0.1:4400/bluesky/pds.example.com:8443/xrpc/a')
  assert.equal(await dialled('https://a.example/../b', origins), 'http://127.0.0.1:4400/bluesky/a.example/b')
  assert.equal(originLabel('bluesky', origins), 'sandbox')
})

test('a base URL replaces the vendor’s own origin and no other', async () => {
  const origins = { sandboxUrl: null, baseUrls: { bluesky: 'https://proxy.example/bsky/' } }
  assert.equal(await dialled(vendor, origins), 'https://proxy.example/bsky/xrpc/com.example?x=1&y=%2F')
  assert.equal(await dialled(learned, origins), learned)
  assert.equal(originLabel('bluesky', origins), 'https://proxy.example/bsky/')
  assert.equal(originLabel('x', origins), 'https://api.x.com')
})

test('every platform has a label, and those that publish declare how they recover', () => {
  for (const name of platformNames) {
    assert.match(originLabel(name, { sandboxUrl: null, baseUrls: {} }), /^https:\/\/[^/]+$/)
    const platform = platformOf(name)
    if (platform) assert.ok(Object.keys(platform.recovery).length > 0, name)
  }
})
