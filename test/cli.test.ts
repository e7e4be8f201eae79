import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type Ready, removeData, startProcess, stopProcess } from '../examples/start/belfry.ts'

const program = join(import.meta.dirname, '..', 'bin', 'belfry.mjs')
const dataDir = mkdtempSync(join(tmpdir(), 'belfry-cli-'))
after(() => removeData(dataDir))

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

function run(parameters: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...parameters], {
    env: { PATH: process.env['PATH'], BELFRY_DATA_DIR: dataDir, ...env },
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

async function startDev(): Promise<{ ready: Ready; stop(): Promise<void> }> {
  const { ready, child } = await startProcess(['dev', '--json', '--port', '0'], { BELFRY_DATA_DIR: dataDir })
  return { ready: ready as unknown as Ready, stop: () => stopProcess(child) }
}

async function posts(ready: Ready): Promise<{ id: string }[]> {
  const answer = await fetch(`${ready.url}/v1/social-posts`, { headers: { authorization: `Bearer ${ready.api_key}` } })
  assert.equal(answer.status, 200)
  return ((await answer.json()) as { data: { id: string }[] }).data
}

test('a second start keeps key, accounts and posts; its files are for their owner alone', async () => {
  const first = await startDev()
  assert.deepEqual(Object.keys(first.ready).sort(), ['accounts', 'api_key', 'pid', 'project_id', 'sandbox_url', 'url'])
  const account = first.ready.accounts[0]!
  assert.equal(account.platform, 'bluesky')
  await fetch(`${first.ready.url}/v1/social-posts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${first.ready.api_key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ caption: 'kept', social_accounts: [account.id], isDraft: true }),
  })
  const before = await posts(first.ready)
  assert.equal(before.length, 1)
  await first.stop()
  assert.equal(statSync(dataDir).mode & 0o777, 0o700)
  assert.equal(statSync(join(dataDir, 'dev.json')).mode & 0o777, 0o600)

  const second = await startDev()
  try {
    assert.equal(second.ready.api_key, first.ready.api_key)
    assert.deepEqual(second.ready.accounts, first.ready.accounts)
    assert.deepEqual(await posts(second.ready), before)
  } finally {
    await second.stop()
  }
})

test('other commands join a running server; a second one on its data is refused in one line', async () => {
  const dev = await startDev()
  try {
    const refused = await run(['dev', '--port', '0'])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /^belfry: [^\n]+\n$/)
    assert.match(refused.stderr, new RegExp(`${dataDir}`))

    const project = await run(['projects', 'create', 'acme', '--json'])
    assert.equal(project.code, 0, project.stderr)
    assert.match(JSON.parse(project.stdout).id, /^proj_/)
    const again = await run(['projects', 'create', 'acme'])
    assert.deepEqual([again.code, again.stderr], [1, 'belfry: There is a project named "acme" already.\n'])

    const made = JSON.parse((await run(['keys', 'create', '--project', 'acme', '--label', 'ci', '--json'])).stdout)
    assert.deepEqual(Object.keys(made).sort(), ['id', 'key', 'project_id'])
    const as = (key: string) =>
      fetch(`${dev.ready.url}/v1/social-posts`, { headers: { authorization: `Bearer ${key}` } })
    assert.equal((await as(made.key)).status, 200)
    const admin = await fetch(`${dev.ready.url}/v1/api-keys`, { headers: { authorization: `Bearer ${made.key}` } })
    assert.equal(admin.status, 403, 'a key of `keys create` is no admin by default')

    const listed = await run(['keys', 'list', '--project', 'acme'])
    assert.match(listed.stdout, /ci +active/)
    assert.ok(!listed.stdout.includes(made.key))
    assert.equal((await run(['keys', 'revoke', made.id])).stdout, `Revoked ${made.id}.\n`)
    assert.equal((await as(made.key)).status, 401)
  } finally {
    await dev.stop()
  }
})

test('commands start the database for their duration when no server runs', async () => {
  const listed = await run(['projects', 'list', '--json'])
  assert.equal(listed.code, 0, listed.stderr)
  const names = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).name)
  assert.deepEqual(names, ['dev', 'acme'])
  assert.deepEqual(JSON.parse((await run(['migrate', '--json'])).stdout), { migrated: true })
})

test('serve needs its secret, opens no sandbox and answers health under every role', async () => {
  const bare = await run(['serve', '--port', '0'])
  assert.equal(bare.code, 1)
  assert.match(bare.stderr, /^belfry: BELFRY_SECRET is missing; it takes at least 32 random bytes as base64[^\n]*\n$/)

  const { secret } = JSON.parse(readFileSync(join(dataDir, 'dev.json'), 'utf8')) as { secret: string }
  const env = { BELFRY_DATA_DIR: dataDir, BELFRY_SECRET: secret }
  const { ready, child } = await startProcess(['serve', '--json', '--port', '0', '--roles', 'worker'], env)
  try {
    assert.deepEqual(Object.keys(ready).sort(), ['pid', 'roles', 'url'])
    assert.deepEqual(ready['roles'], ['worker'])
    const status = async (path: string) => (await fetch(`${ready['url']}${path}`)).status
    assert.equal(await status('/healthz'), 200)
    assert.equal(await status('/readyz'), 200)
    assert.equal(await status('/sandbox/published'), 404)
    assert.equal(await status('/v1/social-posts'), 404)
  } finally {
    await stopProcess(child)
  }
})

test('wrong usage ends with 2, a failure with 1 and one line, help with 0', async () => {
  const cases: [string[], Record<string, string>, number, RegExp][] = [
    [['fly'], {}, 2, /unknown command 'fly'/],
    [['keys', 'create'], {}, 2, /required option '--project <name>' not specified/],
    [['dev', '--colour'], {}, 2, /unknown option '--colour'/],
    [['dev'], { PORT: 'eighty' }, 1, /^belfry: PORT is "eighty"; it takes a whole number from 0 to 65535\.\n$/],
    [['dev'], { HOST: '0.0.0.0' }, 1, /^belfry: HOST is "0\.0\.0\.0"; dev answers on loopback only\. Add --expose/],
    [
      ['keys', 'create', '--project', 'nobody'],
      {},
      1,
      /^belfry: --project is "nobody"; there is no such project\. There are "dev"/,
    ],
    [
      ['keys', 'create', '--project', 'dev', '--scopes', 'fly'],
      {},
      1,
      /--scopes has "fly"; it takes a comma list of posts:read/,
    ],
    [
      ['keys', 'create', '--project', 'dev', '--expires', 'soon'],
      {},
      1,
      /--expires is "soon"; it takes a date in the future/,
    ],
    [['keys', 'create', '--project', 'dev', '--expires', '2099-02-30'], {}, 1, /--expires is "2099-02-30"/],
    [['keys', 'create', '--project', 'dev', '--scopes', ''], {}, 1, /--scopes is empty; it takes a comma list/],
    [['keys', 'create', '--project', 'dev', '--accounts', ' ,'], {}, 1, /--accounts is empty; it takes a comma list/],
  ]
  for (const [parameters, env, code, line] of cases) {
    const ended = await run(parameters, env)
    assert.equal(ended.code, code, `${parameters.join(' ')}: ${ended.stderr}`)
    assert.match(ended.stderr, line)
  }
  for (const command of [
    [],
    ['dev'],
    ['serve'],
    ['sandbox'],
    ['migrate'],
    ['projects', 'create'],
    ['keys', 'create'],
  ]) {
    const help = await run([...command, '--help'])
    assert.equal(help.code, 0)
    assert.match(help.stdout, /^Usage: belfry/)
    if (command.length > 0) assert.match(help.stdout, /--json/, command.join(' '))
  }
})

test('the sandbox runs alone and says where', async () => {
  const { ready, child } = await startProcess(['sandbox', '--json', '--port', '0'], {})
  try {
    assert.deepEqual(Object.keys(ready).sort(), ['pid', 'url'])
    assert.equal((await fetch(`${ready['url']}/sandbox/published`)).status, 200)
  } finally {
    await stopProcess(child)
  }
})
