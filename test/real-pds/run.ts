/**
 * `npm run test:real-pds`: Belfry's Bluesky adapter against the PDS that bluesky.social publishes.
 * Installs that PDS (some 250 MB) into this folder when it is not there, then runs the tests.
 *
 * Two versions of Node are at work. The PDS runs under the one that npm runs with, because its last version
 * for old Nodes is meant for those and its SQLite is compiled for one Node; the tests run under this process's.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const here = import.meta.dirname
const packages = join(here, 'node_modules')
const node = process.env.REAL_PDS_NODE ?? process.env.npm_node_execpath
const npm = process.env.npm_execpath
const nodeGyp = process.env.npm_config_node_gyp

if (!node || !npm) fail('Start this with "npm run test:real-pds": it needs to know the Node that npm runs with.')
process.stdout.write(`tests: Node ${process.version}, PDS: Node ${versionOf(node)}\n`)
if (!isInstalled(node)) install(node, npm)
const chosen =
  process.argv.length > 2 ? process.argv.slice(2).map((name) => `${name}.ts`) : readdirSync(join(here, 'tests'))
const tests = chosen.map((file) => join(here, 'tests', file))
process.exitCode = run(process.execPath, ['--test', '--test-concurrency=1', ...tests], { REAL_PDS_NODE: node }).status

function isInstalled(node: string): boolean {
  const manifest = join(packages, '@atproto/pds/package.json')
  if (!existsSync(manifest) || versionIn(manifest) !== wantedPds()) return false
  const opens = `const Database = require('better-sqlite3'); new Database(':memory:').close()`
  return spawnSync(node, ['-e', opens], { cwd: here }).status === 0
}

/**
 * `npm ci` without scripts, then the one script that is needed. npm would run it with whatever `node` is first
 * in the PATH it makes, and that is Belfry's own development dependency: SQLite for the wrong Node.
 */
function install(node: string, npm: string): void {
  process.stdout.write('installing the PDS (once; compiling SQLite takes some minutes) …\n')
  if (run(node, [npm, 'ci', '--ignore-scripts', '--prefix', here]).status !== 0) fail('npm ci failed.')
  const sqlite = join(packages, 'better-sqlite3')
  const fetched = run(node, [join(packages, 'prebuild-install/bin.js')], {}, sqlite)
  if (fetched.status !== 0) {
    if (!nodeGyp) fail('npm did not say where its node-gyp is.')
    const built = run(node, [nodeGyp, 'rebuild', '--release'], {}, sqlite)
    if (built.status !== 0) fail('SQLite could not be compiled; this needs Python, make and a C++ compiler.')
  }
  if (!isInstalled(node)) fail(`The installed PDS does not run under Node ${versionOf(node)}; it needs 18.7 to 22.`)
}

function run(program: string, args: string[], env: Record<string, string> = {}, cwd = here): { status: number } {
  const { status, error } = spawnSync(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' })
  if (error) throw error
  return { status: status ?? 1 }
}

function wantedPds(): string | undefined {
  const wanted = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return wanted.dependencies['@atproto/pds']
}

function versionIn(manifest: string): string {
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

function versionOf(node: string): string {
  return spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}
