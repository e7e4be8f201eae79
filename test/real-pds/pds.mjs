// A real Bluesky PDS and the PLC directory it needs, both on loopback, with everything in memory or in a
// temporary directory. Runs under the Node that installed this package (its SQLite is compiled for it).
//
// Prints one JSON line when it is ready:
//   { url, serviceDid, jwtSecret, accounts: [{ handle, did, email, password, appPassword }] }
// and ends, leaving nothing behind, when its standard input closes or on SIGTERM.
//
// Arguments: the handles to create (default: alice.test bob.test). REAL_PDS_RATE_LIMITS=off lifts the limits,
// REAL_PDS_PUBLIC_URL is what the accounts' DID documents name instead of the PDS itself.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secp256k1Keypair } from '@atproto/crypto'
import { envToCfg, envToSecrets, PDS } from '@atproto/pds'
import plc from '@did-plc/server'

const handles = process.argv.length > 2 ? process.argv.slice(2) : ['alice.test', 'bob.test']
const jwtSecret = 'jwt-secret-of-a-test-pds'
const adminPassword = 'admin-password-of-a-test-pds'

const directory = await mkdtemp(join(tmpdir(), 'belfry-real-pds-'))
process.once('SIGTERM', stop)
process.stdin.once('end', stop)
process.stdin.once('error', stop)
process.stdin.resume()

const plcServer = await startPlc()
const pdsServer = await listen()
const pds = await startPds(portOf(pdsServer), plcServer.url)
pdsServer.on('request', pds.app)

const url = `http://127.0.0.1:${portOf(pdsServer)}`
const accounts = []
for (const handle of handles) accounts.push(await createAccount(handle))
process.stdout.write(`${JSON.stringify({ url, serviceDid: 'did:web:localhost', jwtSecret, accounts })}\n`)

async function startPlc() {
  const server = await listen()
  const { app } = plc.PlcServer.create({ db: plc.Database.mock(), port: portOf(server) })
  server.on('request', app)
  return { url: `http://127.0.0.1:${portOf(server)}` }
}

async function startPds(port, didPlcUrl) {
  const rotationKey = await Secp256k1Keypair.create({ exportable: true })
  const env = {
    devMode: true,
    port,
    hostname: 'localhost',
    dataDirectory: directory,
    blobstoreDiskLocation: join(directory, 'blobs'),
    blobstoreDiskTmpLocation: join(directory, 'blobs-temp'),
    recoveryDidKey: (await Secp256k1Keypair.create()).did(),
    plcRotationKeyK256PrivateKeyHex: Buffer.from(await rotationKey.export()).toString('hex'),
    adminPassword,
    jwtSecret,
    serviceHandleDomains: ['.test'],
    didPlcUrl,
    // bsky.social sends the DID document with a session; a client learns its PDS from there.
    enableDidDocWithSession: true,
    inviteRequired: false,
    disableSsrfProtection: true,
    rateLimitsEnabled: process.env.REAL_PDS_RATE_LIMITS !== 'off',
    // No AppView and no moderation service: app.bsky.* reads answer 502.
    bskyAppViewUrl: 'http://127.0.0.1:9',
    bskyAppViewDid: 'did:web:appview.invalid',
    modServiceUrl: 'http://127.0.0.1:9',
    modServiceDid: 'did:web:moderation.invalid',
  }
  const config = envToCfg(env)
  // `localhost` may mean ::1 to a client; this server listens on 127.0.0.1 alone.
  config.service.publicUrl = process.env.REAL_PDS_PUBLIC_URL ?? `http://127.0.0.1:${port}`
  const server = await PDS.create(config, envToSecrets(env))
  // Instead of server.start(), which would listen on every address.
  await server.ctx.sequencer.start()
  return server
}

async function createAccount(handle) {
  const email = `${handle.split('.')[0]}@example.com`
  const password = `password-of-${handle}`
  const { did, accessJwt } = await call('com.atproto.server.createAccount', { handle, email, password })
  const { password: appPassword } = await call('com.atproto.server.createAppPassword', { name: 'belfry' }, accessJwt)
  return { handle, did, email, password, appPassword }
}

async function call(method, body, token) {
  const reply = await fetch(`${url}/xrpc/${method}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  })
  if (!reply.ok) throw new Error(`${method}: ${reply.status} ${await reply.text()}`)
  return reply.json()
}

async function listen() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

function portOf(server) {
  return server.address().port
}

async function stop() {
  // Retried, because SQLite may be writing there at this moment.
  await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  process.exit(0)
}
