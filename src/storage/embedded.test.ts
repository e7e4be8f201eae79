import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  clusterOf,
  dataDirFor,
  openPaths,
  query,
  recordOf,
  serverPid,
  start,
  startParent,
} from '../../test/fixtures/embedded.ts'
import { type Logger, silentLog } from '../runtime/log.ts'
import { isAlive } from './embedded/pid-file.ts'

test('a first start in a private directory works, and a second start keeps the data', async (t) => {
  const dataDir = dataDirFor(t)
  const first = await start(dataDir)
  assert.equal(first.adopted, false)
  assert.match(first.config.host!, /belfry-/)
  const [settings] = await query<Record<string, string>>(
    first.config,
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
       current_setting('listen_addresses') as addresses, current_setting('server_encoding') as encoding,
       current_setting('server_version_num')::integer / 10000 as major`,
  )
  assert.deepEqual(settings, { fsync: 'on', commit: 'on', addresses: '', encoding: 'UTF8', major: 18 })
  await query(first.config, 'create table kept as select 7 as number')
  await first.stop()
  const second = await start(dataDir)
  assert.deepEqual(await query(second.config, 'select number from kept'), [{ number: 7 }])
  await second.stop()
})

test('a clean stop leaves no process and no socket directory', async (t) => {
  const dataDir = dataDirFor(t)
  const { config, stop } = await start(dataDir)
  const pid = serverPid(dataDir)!
  assert.ok(isAlive(pid) && existsSync(config.host!))
  await stop()
  assert.equal(isAlive(pid), false)
  assert.equal(existsSync(config.host!), false)
  await stop()
})

test('nobody else may read a file of the database', async (t) => {
  const dataDir = dataDirFor(t)
  const { config, stop } = await start(dataDir)
  assert.deepEqual(openPaths(dataDir), [])
  assert.deepEqual(openPaths(join(clusterOf(dataDir)!, '..')), [])
  assert.deepEqual(openPaths(config.host!), [])
  await stop()
})

test('a server left behind by a killed process is adopted, with its data, and stopped', async (t) => {
  const dataDir = dataDirFor(t)
  const parent = await startParent(dataDir, 'exclusive')
  await query(parent.line.config!, 'create table kept as select 7 as number')
  const pid = serverPid(dataDir)!
  parent.process.kill('SIGKILL')
  await parent.exited
  assert.ok(isAlive(pid))
  const { config, adopted, stop } = await start(dataDir)
  assert.equal(adopted, true)
  assert.equal(serverPid(dataDir), pid)
  assert.deepEqual(await query(config, 'select number from kept'), [{ number: 7 }])
  await stop()
  assert.equal(isAlive(pid), false)
})

test('a second exclusive start is refused in one line that names the first', async (t) => {
  const dataDir = dataDirFor(t)
  const first = await start(dataDir)
  const second = await startParent(dataDir, 'exclusive')
  assert.match(
    second.line.refused!,
    new RegExp(`^Another Belfry \\(process ${process.pid}\\) already runs on .*; stop it first.*\\.$`),
  )
  await second.exited
  await query(first.config, 'select 1')
  await first.stop()
})

test('a command joins the running server and leaves it running', async (t) => {
  const dataDir = dataDirFor(t)
  const server = await start(dataDir)
  const command = await start(dataDir, { exclusive: false })
  assert.equal(command.adopted, true)
  await command.stop()
  await query(server.config, 'select 1')
  await server.stop()
})

test('commands start the server for their duration: the last one to leave stops it', async (t) => {
  const dataDir = dataDirFor(t)
  const starters = await Promise.all([1, 2, 3].map(() => start(dataDir, { exclusive: false })))
  const pid = serverPid(dataDir)!
  assert.equal(starters.filter(({ adopted }) => !adopted).length, 1)
  const [last, ...others] = starters
  await Promise.all(others.map(({ stop }) => stop()))
  await query(last!.config, 'select 1')
  await last!.stop()
  assert.equal(isAlive(pid), false)
})

for (const mode of [0o700, 0o755]) {
  test(`processes that start at once on an empty directory of mode ${mode.toString(8)} share one server`, async (t) => {
    const dataDir = dataDirFor(t)
    chmodSync(dataDir, mode)
    await shareOne(dataDir)
  })
}

async function shareOne(dataDir: string): Promise<void> {
  const parents = await Promise.all([1, 2, 3, 4].map(() => startParent(dataDir, 'joining')))
  const pid = serverPid(dataDir)!
  assert.deepEqual(
    parents.map(({ line }) => line.config?.host ?? line.refused),
    parents.map(() => parents[0]!.line.config?.host),
  )
  for (const parent of parents) parent.process.stdin!.end()
  await Promise.all(parents.map(({ exited }) => exited))
  assert.equal(isAlive(pid), false)
}

test('of processes that start at once for exclusive use, one is refused and the other runs', async (t) => {
  const dataDir = dataDirFor(t)
  const parents = await Promise.all([1, 2].map(() => startParent(dataDir, 'exclusive')))
  const winner = parents.find(({ line }) => line.config)!
  assert.equal(parents.filter(({ line }) => line.refused?.startsWith('Another Belfry')).length, 1)
  await query(winner.line.config!, 'select 1')
  winner.process.stdin!.end()
  await winner.exited
})

test('a database that is killed comes back, and stays in exclusive use', async (t) => {
  const dataDir = dataDirFor(t)
  const { log, seen } = listening('PostgreSQL answers again')
  const server = await start(dataDir, { log })
  await query(server.config, 'create table kept as select 7 as number')
  const pid = serverPid(dataDir)!
  process.kill(pid, 'SIGKILL')
  await seen
  assert.notEqual(serverPid(dataDir), pid)
  assert.deepEqual(await query(server.config, 'select number from kept'), [{ number: 7 }])
  const second = await startParent(dataDir, 'exclusive')
  assert.match(second.line.refused!, /^Another Belfry/)
  await server.stop()
})

test('a stop while the database is dead leaves nothing', async (t) => {
  const dataDir = dataDirFor(t)
  const { config, stop } = await start(dataDir)
  process.kill(serverPid(dataDir)!, 'SIGKILL')
  await stop()
  const pid = serverPid(dataDir)
  assert.equal(pid !== null && isAlive(pid), false)
  assert.equal(existsSync(config.host!), false)
})

test('paths with spaces and longer than a socket path may be are fine', async (t) => {
  const dataDir = dataDirFor(t, `a path's "name" with spaces`, 'long'.repeat(30))
  mkdirSync(join(dataDir, '..'), { recursive: true })
  const { config, stop } = await start(dataDir)
  await query(config, 'select 1')
  assert.ok(Buffer.byteLength(`${config.host}/.s.PGSQL.5432`) < 107)
  await stop()
})

test('without Unix sockets it listens on loopback only, with a password, on one port through a restart', async (t) => {
  const dataDir = dataDirFor(t)
  const { log, seen } = listening('PostgreSQL answers again')
  const { config, stop } = await start(dataDir, { loopback: true, log })
  assert.equal(config.host, '127.0.0.1')
  assert.equal(config.password, recordOf(dataDir).password)
  await query(config, 'select 1')
  await assert.rejects(query({ ...config, password: 'other' }, 'select 1'), /password authentication failed/)
  process.kill(serverPid(dataDir)!, 'SIGKILL')
  await seen
  await query(config, 'select 1')
  await stop()
})

/** A log that tells when a message was written. */
function listening(message: string): { log: Logger; seen: Promise<void> } {
  let tell = () => {}
  const seen = new Promise<void>((resolve) => {
    tell = resolve
  })
  const look = (_facts: object, text: string) => {
    if (text === message) tell()
  }
  const log: Logger = { ...silentLog(), info: look, warn: look, error: look }
  return { log, seen }
}
