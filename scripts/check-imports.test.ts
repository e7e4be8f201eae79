import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { checkImports, configuration } from './check-imports.ts'

const root = join(import.meta.dirname, '..')
const made: string[] = []
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true })
})

/** A small tree with these files; what the rule says about it. */
function tree(files: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'belfry-imports-'))
  made.push(folder)
  cpSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'))
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return checkImports(folder)
}

const folders = Object.keys(configuration.mayImport)

test('each row of the table refuses an import that it does not list', async () => {
  for (const [folder, allowed] of Object.entries<string>(configuration.mayImport)) {
    const forbidden = folders.find((other) => other !== folder && !allowed.split(' ').includes(other))!
    const { violations } = await tree({
      [`src/${folder}/a.ts`]: `import { b } from '../${forbidden}/b.ts'\nexport const a = b`,
      [`src/${forbidden}/b.ts`]: 'export const b = 1',
    })
    assert.ok(
      violations.some((line) => line.startsWith(`${folder}-imports-down`)),
      `${folder} -> ${forbidden}: ${violations.join()}`,
    )
  }
})

test('each reserved import is refused elsewhere', async () => {
  const cases: [string, string, string][] = [
    ['pg-in-storage-only', 'src/runtime/a.ts', `import pg from 'pg'\nexport const a = pg`],
    [
      'network-through-outbound-only',
      'src/delivery/a.ts',
      `import { request } from 'undici'\nexport const a = request`,
    ],
    [
      'network-through-outbound-only',
      'src/http/a.ts',
      `import { request } from 'node:https'\nexport const a = request`,
    ],
    ['status-from-lifecycle-only', 'src/http/a.ts', `import { b } from '../storage/status.ts'\nexport const a = b`],
    ['platforms-keep-apart', 'src/platforms/x/a.ts', `import { b } from '../bluesky/b.ts'\nexport const a = b`],
    [
      'platforms-use-outbound-alone',
      'src/platforms/x/a.ts',
      `import { b } from '../../security/b.ts'\nexport const a = b`,
    ],
    ['nothing-imports-the-top', 'src/http/a.ts', `import { b } from '../main.ts'\nexport const a = b`],
    ['no-circles', 'src/model/a.ts', `import { b } from './b.ts'\nexport const a = () => b`],
  ]
  for (const [rule, path, text] of cases) {
    const { violations } = await tree({
      'src/storage/status.ts': 'export const b = 1',
      'src/platforms/bluesky/b.ts': 'export const b = 1',
      'src/security/b.ts': 'export const b = 1',
      'src/main.ts': 'export const b = 1',
      'src/model/b.ts':
        rule === 'no-circles' ? `import { a } from './a.ts'\nexport const b = () => a` : 'export const b = 1',
      [path]: text,
    })
    assert.ok(
      violations.some((line) => line.startsWith(rule)),
      `${rule}: ${violations.join()}`,
    )
  }
})

test('the sources of Belfry pass, and every one of them is read', async () => {
  const { violations, read, sources } = await checkImports(root)
  assert.deepEqual(violations, [])
  assert.equal(read, sources)
})
