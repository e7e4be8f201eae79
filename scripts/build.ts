/**
 * Writes dist/: the sources without their types, file by file, for a packed Belfry (Node does not run TypeScript under
 * node_modules). `npm pack` runs it before and removes dist/ afterwards; in a checkout the sources run as they are.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const [from, to] = [join(root, 'src'), join(root, 'dist')]
/** `from './x.ts'` and `import('./x.ts')`, of our own files alone. */
const ownImport = /((?:from|import)\s*\(?\s*)'(\.{1,2}\/[^']+)\.ts'/g

rmSync(to, { recursive: true, force: true })
for (const path of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
  if (path.endsWith('.test.ts')) continue
  const target = join(to, path)
  if (path.endsWith('.ts')) {
    mkdirSync(dirname(target), { recursive: true })
    const code = stripTypeScriptTypes(readFileSync(join(from, path), 'utf8'))
    writeFileSync(target.replace(/\.ts$/, '.js'), code.replace(ownImport, "$1'$2.js'"))
  } else if (path.endsWith('.sql') || path.endsWith('.json')) {
    mkdirSync(dirname(target), { recursive: true })
    cpSync(join(from, path), target)
  }
}
