/** Runs every program of this folder, one after the other; fails when one fails. */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const programs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && name !== 'run.ts')
for (const program of programs.sort()) {
  console.log(`# ${program}`)
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, program)], { stdio: 'inherit' })
  if (status !== 0) {
    console.error(`${program} failed`)
    process.exit(1)
  }
}
