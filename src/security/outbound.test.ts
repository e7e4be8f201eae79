import assert from 'node:assert/strict'
import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { silentLog } from '../runtime/log.ts'
import { createOutbound, OutboundError, type OutboundOptions, type OutboundRequest } from './outbound.ts'
import type { Lookup } from './outbound-guard.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that only speaks TCP. */
async function listen(t: TestContext, onConnection: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

function open(t: TestContext, more: Partial<OutboundOptions> = {}) {
  const outbound = createOutbound({ allowPrivateNetwork: false, trustedOrigins: [], log: silentLog(), ...more })
  t.after(() => outbound.close())
  return outbound
}

/** A resolver that knows these names alone. */
function names(known: Record<string, string[]>): Lookup {
  return (hostname, _options, callback) => {
    const found = known[hostname]
    if (!found) return callback(Object.assign(new Error(`no ${hostname}`), { code: 'ENOTFOUND' }), '')
    const addresses: LookupAddress[] = found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    callback(null, addresses)
  }
}

async function failure(outbound: ReturnType<typeof open>, request: OutboundRequest) {
  const error = await outbound.request(request).then(
    (reply) => assert.fail(`answered ${reply.status}`),
    (error: unknown) => error,
  )
  assert.ok(error instanceof OutboundError, String(error))
  const { reason, sent } = error
  return { reason, sent }
}

const notSent = (reason: OutboundError['reason']) => ({ reason, sent: false })
const maybeSent = (reason: OutboundError['reason']) => ({ reason, sent: true })

test('a literal address that is not public is refused before anything is dialled', async (t) => {
  let asked = 0
  const url = await serve(t, (_, reply) => {
    asked += 1
    reply.end()
  })
  const outbound = open(t)
  for (const host of [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
    '0',
    '10.0.0.1',
  ]) {
    assert.deepEqual(await failure(outbound, { url: `http://${host}/` }), notSent('private_address'), host)
  }
  assert.deepEqual(await failure(outbound, { url }), notSent('bad_url'), 'its port alone is refused')
  assert.equal(asked, 0)
})

test('a name that leads to a closed network is refused, by any one of its addresses', async (t) => {
  const outbound = open(t, {
    lookup: names({
      'rebind.example': ['127.0.0.1'],
      'mixed.example': ['93.184.215.14', '10.0.0.7'],
      'six.example': ['::1'],
      'mapped.example': ['::ffff:192.168.0.1'],
    }),
  })
  for (const host of ['rebind.example', 'mixed.example', 'six.example', 'mapped.example']) {
    assert.deepEqual(await failure(outbound, { url: `https://${host}/` }), notSent('private_address'), host)
  }
  assert.deepEqual(await failure(open(t), { url: 'http://localhost/' }), notSent('private_address'))
})

test('what is resolved for the check is what is dialled', async (t) => {
  const url = await serve(t, (_, reply) => void reply.end('inside'))
  let asked = 0
  const lookup: Lookup = (hostname, options, callback) => {
    asked += 1
    // Public when asked first, ours ever after.
    names({ 'flips.example': [asked === 1 ? '192.0.2.1' : '127.0.0.1'] })(hostname, options, callback)
  }
  const outbound = open(t, { lookup, allowPrivateNetwork: true })
  const { port } = new URL(url)
  const found = await failure(outbound, { url: `http://flips.example:${port}/`, timeoutMs: 300 })
  assert.equal(found.sent, false)
  assert.equal(asked, 1)
})

test('a closed network is open where it is allowed, but never the metadata of a cloud', async (t) => {
  const url = await serve(t, (_, reply) => void reply.end('inside'))
  const lookup = names({ 'cloud.example': ['169.254.169.254'] })
  const outbound = open(t, { allowPrivateNetwork: true, lookup })
  assert.equal((await outbound.request({ url })).body.toString(), 'inside')
  for (const host of ['169.254.169.254', '[fd00:ec2::254]', '[fe80::1]', 'cloud.example']) {
    assert.deepEqual(
      await failure(outbound, { url: `http://${host}/latest/meta-data` }),
      notSent('private_address'),
      host,
    )
  }
})

test('an origin from the configuration may be anywhere, its neighbours may not', async (t) => {
  const url = await serve(t, (_, reply) => void reply.end('ours'))
  const late = await serve(t, (_, reply) => void reply.end('late'))
  const outbound = open(t, { trustedOrigins: [`${url}/with/a/path`] })
  assert.equal((await outbound.request({ url: `${url}/x` })).body.toString(), 'ours')
  assert.equal((await failure(outbound, { url: late })).reason, 'bad_url')
  await assert.rejects(outbound.web.request({ url }), OutboundError, 'users may not lead us there')
  outbound.trust(late)
  assert.equal((await outbound.request({ url: late })).body.toString(), 'late')
})

test('a redirect is checked like an address of its own', async (t) => {
  const inside = await serve(t, (_, reply) => void reply.end('secret'))
  const outside = await serve(t, (request, reply) => {
    const to =
      request.url === '/name' ? 'http://rebind.example/' : request.url === '/file' ? 'file:///etc/passwd' : inside
    reply.writeHead(302, { location: to }).end()
  })
  const outbound = open(t, { trustedOrigins: [outside], lookup: names({ 'rebind.example': ['127.0.0.1'] }) })
  assert.deepEqual(await failure(outbound, { url: `${outside}/port`, redirects: 3 }), maybeSent('bad_url'))
  assert.deepEqual(await failure(outbound, { url: `${outside}/name`, redirects: 3 }), maybeSent('private_address'))
  assert.deepEqual(await failure(outbound, { url: `${outside}/file`, redirects: 3 }), maybeSent('bad_url'))
  assert.equal((await outbound.request({ url: `${outside}/port` })).status, 302, 'not followed unless asked')
  assert.equal((await outbound.request({ url: `${outside}/port`, redirects: 3, method: 'POST' })).status, 302)
})

test('a redirect to another origin carries no login, and an endless one ends', async (t) => {
  const seen: (string | undefined)[] = []
  const other = await serve(t, (request, reply) => {
    seen.push(request.headers.authorization, request.headers['x-api-key'] as string, request.headers.accept)
    reply.end()
  })
  let hops = 0
  const first = await serve(t, (request, reply) => {
    if (request.url === '/loop') {
      hops += 1
      return void reply.writeHead(302, { location: '/loop' }).end()
    }
    reply.writeHead(307, { location: other }).end()
  })
  const outbound = open(t, { allowPrivateNetwork: true })
  const headers = { authorization: 'Bearer secret', 'X-Api-Key': 'secret', accept: 'text/html' }
  const reply = await outbound.request({ url: first, redirects: 1, headers })
  assert.equal(reply.url, `${other}/`)
  assert.deepEqual(seen, [undefined, undefined, 'text/html'])
  assert.equal((await outbound.request({ url: `${first}/loop`, redirects: 3 })).status, 302)
  assert.equal(hops, 4)
})

test('an address that cannot be asked is never sent', async (t) => {
  const outbound = open(t)
  for (const url of [
    'no address',
    'ftp://example.com/',
    'file:///etc/passwd',
    'data:,x',
    'https://u:p@example.com/',
    'http://example.com:22/',
  ]) {
    assert.deepEqual(await failure(outbound, { url }), notSent('bad_url'), url)
  }
  assert.deepEqual(await failure(outbound, { url: 'https://nobody.invalid/' }), notSent('dns'))
  const bad = { url: 'https://example.com/', headers: { 'x-bad': 'line\nbreak' } }
  assert.deepEqual(await failure(outbound, bad), notSent('bad_url'))
})

test('a refused connection and a failed handshake are never sent', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  const closed = await serve(t, (_, reply) => void reply.end())
  const port = await listen(t, (socket) => socket.destroy())
  const plain = await listen(t, (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  assert.deepEqual(await failure(outbound, { url: 'http://127.0.0.1:1/' }), notSent('connect'))
  assert.equal((await failure(outbound, { url: `https://127.0.0.1:${port}/` })).sent, false)
  assert.deepEqual(await failure(outbound, { url: `https://127.0.0.1:${plain}/` }), notSent('tls'))
  assert.deepEqual(await failure(outbound, { url: closed.replace('http', 'https') }), notSent('tls'))
})

test('whatever breaks once the request was written may have arrived', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  const resets = await listen(t, (socket) => void socket.once('data', () => socket.resetAndDestroy()))
  const ends = await listen(t, (socket) => void socket.once('data', () => socket.end()))
  const cuts = await listen(t, (socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
  })
  const garbles = await listen(t, (socket) => void socket.once('data', () => socket.end('what?\r\n\r\n')))
  for (const port of [resets, ends, cuts, garbles]) {
    const url = `http://127.0.0.1:${port}/`
    assert.deepEqual(await failure(outbound, { url, method: 'POST', body: '{}' }), maybeSent('cut'))
  }
})

test('the time limit covers the whole exchange, however slowly it drips', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  const silent = await listen(t, () => {})
  const drips = await listen(t, (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
      const timer = setInterval(() => socket.write('x'), 10)
      socket.once('close', () => clearInterval(timer))
    })
  })
  for (const port of [silent, drips]) {
    const startMs = performance.now()
    const request = { url: `http://127.0.0.1:${port}/`, timeoutMs: 200 }
    assert.deepEqual(await failure(outbound, request), maybeSent('timeout'))
    assert.ok(performance.now() - startMs < 20_000, 'its own time limit did not end it')
  }
})

test('giving up before the request is written means that it is not sent', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true, connectionsPerOrigin: 1 })
  let seen = 0
  const url = await serve(t, (request) => {
    seen += 1
    request.resume()
  })
  const gone = AbortSignal.abort()
  assert.deepEqual(await failure(outbound, { url, signal: gone }), notSent('aborted'))
  // The only connection is taken: the second request waits in front of it.
  const first = failure(outbound, { url, timeoutMs: 500 })
  assert.deepEqual(await failure(outbound, { url, timeoutMs: 100 }), notSent('timeout'))
  const abort = new AbortController()
  const third = failure(outbound, { url, signal: abort.signal })
  abort.abort()
  assert.deepEqual(await third, notSent('aborted'))
  assert.deepEqual(await first, maybeSent('timeout'))
  assert.equal(seen, 1)
  const fourth = new AbortController()
  const running = failure(outbound, { url, signal: fourth.signal })
  while (seen < 2) await new Promise((resolve) => setTimeout(resolve, 5))
  fourth.abort()
  assert.deepEqual(await running, maybeSent('aborted'))
})

test('an answer that is too large is cut off while it comes, announced or not, compressed or not', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  let written = 0
  const url = await serve(t, (request, reply) => {
    if (request.url === '/announced') return void reply.writeHead(200, { 'content-length': 5_000_000 }).write('x')
    if (request.url === '/bomb') return void reply.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
    if (request.url === '/fits') return void reply.end(Buffer.alloc(1000))
    const more = () => {
      if (reply.destroyed) return
      written += 65_536
      reply.write(Buffer.alloc(65_536), more)
    }
    more()
  })
  const bomb = gzipSync(Buffer.alloc(50_000_000))
  assert.ok(bomb.length < 100_000)
  for (const path of ['/endless', '/announced', '/bomb']) {
    const request = { url: url + path, maxBytes: 200_000, timeoutMs: 5_000 }
    assert.deepEqual(await failure(outbound, request), maybeSent('too_large'), path)
  }
  assert.ok(written < 50_000_000, `${written} bytes were written`)
  assert.equal((await outbound.request({ url: `${url}/fits`, maxBytes: 1000 })).body.length, 1000)
  assert.deepEqual(await failure(outbound, { url: `${url}/fits`, maxBytes: 999 }), maybeSent('too_large'))
  for (const path of ['/endless', '/announced']) {
    const timeoutMs = path === '/endless' ? 5_000 : 300
    const cut = { url: url + path, maxBytes: 100_000, cut: true, timeoutMs }
    if (path === '/endless') assert.equal((await outbound.request(cut)).body.length, 100_000)
    else assert.equal((await failure(outbound, cut)).reason, 'timeout')
  }
})

test('a body that came compressed is handed on as it was meant', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  const asked: (string | undefined)[] = []
  const url = await serve(t, (request, reply) => {
    asked.push(request.headers['accept-encoding'])
    if (request.url === '/odd') return void reply.writeHead(200, { 'content-encoding': 'zip' }).end('x')
    reply.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}'))
  })
  assert.equal((await outbound.request({ url })).body.toString(), '{"a":1}')
  assert.equal((await outbound.request({ url, method: 'HEAD' })).body.length, 0)
  assert.deepEqual(await failure(outbound, { url: `${url}/odd` }), maybeSent('cut'))
  assert.deepEqual(asked, ['identity', 'identity', 'identity'])
})

test('an early hint is not taken for the answer, and headers that repeat are joined', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  const url = await serve(t, (_, reply) => {
    reply.writeEarlyHints({ link: '</style.css>; rel=preload' })
    reply
      .writeHead(201, [
        ['x-two', 'a'],
        ['x-two', 'b'],
      ] as never)
      .end('done')
  })
  const { status, headers, body } = await outbound.request({ url })
  assert.deepEqual([status, headers['x-two'], body.toString()], [201, 'a, b', 'done'])
})

test('connections are kept and shared: 2,000 requests need few of them', async (t) => {
  const outbound = open(t, { allowPrivateNetwork: true })
  const sockets = new Set<Socket>()
  const url = await serve(t, (request, reply) => {
    sockets.add(request.socket)
    reply.end('{}')
  })
  let left = 2_000
  const worker = async () => {
    while (left > 0) {
      left -= 1
      await outbound.request({ url, method: 'POST', body: '{}' })
    }
  }
  await Promise.all(Array.from({ length: 32 }, worker))
  assert.ok(sockets.size <= 100, `${sockets.size} connections`)
})
