import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { removeData } from '../examples/start/belfry.ts'

const root = join(import.meta.dirname, '..')

/** Links what Belfry depends on beside it, as an install would have put it there. */
function linkDependencies(modules: string): void {
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.')) continue
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
}

test('a packed Belfry runs from node_modules, without TypeScript, and leaves no dist/ in the checkout', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-pack-'))
  const dataDir = join(folder, 'data')
  try {
    // From a copy: while dist/ is there, other tests would start it.
    const checkout = join(folder, 'checkout')
    for (const path of ['bin', 'src', 'scripts', 'docs', 'package.json', 'README.md', 'CHANGELOG.md', 'LICENSE']) {
      cpSync(join(root, path), join(checkout, path), { recursive: true })
    }
    const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` }
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: checkout, env, stdio: 'pipe' })
    assert.equal(existsSync(join(checkout, 'dist')), false)
    const archive = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
    const modules = join(folder, 'node_modules')
    mkdirSync(modules)
    execFileSync('tar', ['-xzf', join(folder, archive), '-C', modules])
    execFileSync('mv', [join(modules, 'package'), join(modules, 'belfry')])
    assert.equal(existsSync(join(modules, 'belfry', 'src')), false)
    linkDependencies(modules)

    const child = spawn(process.execPath, [join(modules, 'belfry/bin/belfry.mjs'), 'dev', '--json', '--port', '0'], {
      cwd: folder,
      env: { ...process.env, BELFRY_DATA_DIR: dataDir, LOG_LEVEL: 'error' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
    for await (const line of createInterface({ input: child.stdout })) {
      const { url, api_key } = JSON.parse(line) as { url: string; api_key: string }
      const answer = await fetch(`${url}/v1/social-accounts`, { headers: { authorization: `Bearer ${api_key}` } })
      assert.equal(((await answer.json()) as { data: unknown[] }).data.length, 1)
      child.kill('SIGTERM')
      break
    }
    assert.equal(await ended, 0)
  } finally {
    removeData(dataDir)
    rmSync(folder, { recursive: true, force: true })
  }
})
