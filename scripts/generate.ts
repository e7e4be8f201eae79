/**
 * Writes what is made from the sources, so that pages and code cannot disagree.
 * `--check` writes nothing and fails when a committed file is not what would be written.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorsPage } from './errors-page.ts'
import { statesPage } from './states-page.ts'

const root = join(import.meta.dirname, '..')
const generated: Record<string, () => string> = {
  'docs/errors.md': errorsPage,
  'docs/states.md': statesPage,
}

const check = process.argv.includes('--check')
for (const [path, make] of Object.entries(generated)) {
  const file = join(root, path)
  const text = make()
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue
  if (check) {
    process.stderr.write(`${path} is not what the sources say; run "npm run generate"\n`)
    process.exitCode = 1
  } else {
    writeFileSync(file, text)
    process.stdout.write(`wrote ${path}\n`)
  }
}
