import assert from 'node:assert/strict'
import { chmodSync, chownSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  clusterOf,
  dataDirFor,
  isLine,
  openPaths,
  query,
  recordOf,
  removeData,
  serverPid,
  start,
  startParent,
} from '../../test/fixtures/embedded.ts'
import { findBinaries } from './embedded/binaries.ts'
import { shelterRoot } from './embedded/shelter.ts'
import { canEnter, chooseUser, isRoot } from './embedded/user.ts'

const root = { skip: isRoot() ? false : 'only root runs PostgreSQL as another user' }
const number = 'select number from kept'

test('a private directory of root has its database in the shelter, as an unprivileged user', root, async (t) => {
  const dataDir = dataDirFor(t)
  const { stop } = await start(dataDir)
  const cluster = clusterOf(dataDir)!
  assert.equal(cluster, join(shelterRoot, recordOf(dataDir).id, 'data'))
  assert.equal(statSync(`/proc/${serverPid(dataDir)}`).uid, (await chooseUser())!.uid)
  await stop()
})

test('where there is no user postgres, nobody runs it, and a later user postgres does not matter', root, async (t) => {
  const dataDir = dataDirFor(t)
  const nobody = (await chooseUser(['nobody']))!
  const { config, stop } = await start(dataDir, { users: ['no-such-user', 'nobody'] })
  assert.equal(statSync(`/proc/${serverPid(dataDir)}`).uid, nobody.uid)
  await query(config, 'create table kept as select 7 as number')
  await stop()
  const later = await start(dataDir)
  assert.equal(statSync(`/proc/${serverPid(dataDir)}`).uid, nobody.uid)
  assert.deepEqual(await query(later.config, number), [{ number: 7 }])
  await later.stop()
  await assert.rejects(
    start(dataDirFor(t), { users: ['no-such-user'] }),
    isLine(/refuses to run as root.*no-such-user/),
  )
})

test(
  'a data directory that the user reaches holds its database, and moves it out when it is closed',
  root,
  async (t) => {
    const dataDir = dataDirFor(t, 'open')
    mkdirSync(dataDir)
    chmodSync(dirname(dataDir), 0o755)
    chmodSync(dataDir, 0o711)
    const first = await start(dataDir)
    assert.equal(clusterOf(dataDir), join(dataDir, 'postgres', 'data'))
    assert.deepEqual(openPaths(dataDir), [])
    await query(first.config, 'create table kept as select 7 as number')
    await first.stop()
    chmodSync(dataDir, 0o700)
    const second = await start(dataDir)
    assert.equal(clusterOf(dataDir), join(shelterRoot, recordOf(dataDir).id, 'data'))
    assert.equal(existsSync(join(dataDir, 'postgres')), false)
    assert.deepEqual(await query(second.config, number), [{ number: 7 }])
    await second.stop()
  },
)

test('a database that root put back from a backup is given to its user again', root, async (t) => {
  const dataDir = dataDirFor(t)
  await (await start(dataDir)).stop()
  const cluster = clusterOf(dataDir)!
  cpSync(cluster, `${cluster}.backup`, { recursive: true })
  rmSync(cluster, { recursive: true })
  renameSync(`${cluster}.backup`, cluster)
  chownSync(cluster, 0, 0)
  chmodSync(cluster, 0o755)
  const { stop } = await start(dataDir)
  await stop()
})

test('binaries that the user cannot reach are copied beside the database, once', root, async (t) => {
  const dataDir = dataDirFor(t)
  const closed = dataDirFor(t)
  const installed = await findBinaries()
  cpSync(installed.folder, join(closed, 'native'), { recursive: true, verbatimSymlinks: true })
  const binaries = { ...installed, folder: join(closed, 'native') }
  await (await start(dataDir, { binaries })).stop()
  const copy = join(shelterRoot, recordOf(dataDir).id, `postgres-${installed.version}`)
  const madeMs = statSync(join(copy, 'bin/postgres')).ctimeMs
  await (await start(dataDir, { binaries })).stop()
  assert.equal(statSync(join(copy, 'bin/postgres')).ctimeMs, madeMs)
})

test('binaries whose links npm did not make still run', async (t) => {
  const dataDir = dataDirFor(t)
  const bare = dataDirFor(t)
  const installed = await findBinaries()
  cpSync(installed.folder, join(bare, 'native'), { recursive: true, verbatimSymlinks: true })
  rmSync(join(bare, 'native/lib/libicuuc.so.60'), { force: true })
  chmodSync(bare, 0o755)
  await (await start(dataDir, { binaries: { ...installed, folder: join(bare, 'native') } })).stop()
})

test('a data directory without postgres.json never adopts existing data', async (t) => {
  const dataDir = dataDirFor(t)
  const first = await start(dataDir)
  await query(first.config, 'create table kept as select 7 as number')
  await first.stop()
  const record = join(dataDir, 'postgres.json')
  const { relocated, id } = recordOf(dataDir)
  renameSync(record, `${record}.away`)
  t.after(() => rmSync(join(shelterRoot, id), { recursive: true, force: true }))
  if (relocated) {
    const fresh = await start(dataDir)
    assert.deepEqual(await query(fresh.config, `select from pg_class where relname = 'kept'`), [])
    await fresh.stop()
  } else await assert.rejects(start(dataDir), isLine(/postgres\.json beside it is missing/))
})

test('a moved data directory keeps its database; a copy is refused', async (t) => {
  const dataDir = dataDirFor(t, 'one')
  const first = await start(dataDir)
  await query(first.config, 'create table kept as select 7 as number')
  await first.stop()
  const moved = join(dirname(dataDir), 'two')
  t.after(() => removeData(moved))
  renameSync(dataDir, moved)
  const second = await start(moved)
  assert.deepEqual(await query(second.config, number), [{ number: 7 }])
  await second.stop()
  if (!recordOf(moved).relocated) return
  cpSync(moved, dataDir, { recursive: true })
  await assert.rejects(start(dataDir), isLine(/is a copy of .*two, whose database/))
})

test('an ordinary user runs it as itself, and is told when the directory is another’s', root, async (t) => {
  const nobody = (await chooseUser(['nobody']))!
  const here = dirname(fileURLToPath(import.meta.url))
  if (!(await canEnter(here, nobody))) return t.skip('nobody cannot reach this checkout')
  const dataDir = dataDirFor(t)
  const parent = dirname(dataDir)
  assert.ok(existsSync(parent))
  const refused = await startParent(join(dataDir, 'inner'), 'exclusive', nobody.uid)
  assert.match(refused.line.refused!, /^PostgreSQL may not use .*; give it to the user that runs Belfry/)
  await refused.exited
  chownSync(dataDir, nobody.uid, nobody.gid)
  const own = await startParent(dataDir, 'exclusive', nobody.uid)
  assert.equal(statSync(`/proc/${serverPid(dataDir)}`).uid, nobody.uid)
  await query(own.line.config!, 'select 1')
  own.process.stdin!.end()
  await own.exited
  // Root goes on with the same database, as its owner.
  const byRoot = await start(dataDir)
  assert.equal(statSync(`/proc/${serverPid(dataDir)}`).uid, nobody.uid)
  await byRoot.stop()
})
