/**
 * The import rule of the folder tree. Fails on a violation, and also when fewer modules were read
 * than there are sources: a cruiser that cannot parse TypeScript reads none and calls it clean.
 */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'

const root = join(import.meta.dirname, '..')
export const configuration = createRequire(import.meta.url)('../.dependency-cruiser.cjs')

/** What the rule says about `folder`/src: each violation as one line, and how many sources were read. */
export async function checkImports(folder: string): Promise<{ violations: string[]; read: number; sources: number }> {
  const answer = await cruise(
    ['src'],
    { ...configuration.options, baseDir: folder, validate: true, ruleSet: { forbidden: configuration.forbidden } },
    undefined,
    { tsConfig: extractTSConfig(join(root, 'tsconfig.json')) },
  )
  const output = answer.output as ICruiseResult
  const violations = output.summary.violations.map((one) => `${one.rule.name}: ${one.from} -> ${one.to}`)
  const isSource = (path: string) => path.startsWith('src/') && path.endsWith('.ts')
  const sources = readdirSync(join(folder, 'src'), { recursive: true }).filter((path) => String(path).endsWith('.ts'))
  return {
    violations,
    read: output.modules.filter((module) => isSource(module.source) && !module.couldNotResolve).length,
    sources: sources.length,
  }
}

if (import.meta.main) {
  const { violations, read, sources } = await checkImports(root)
  for (const violation of violations) process.stderr.write(`${violation}\n`)
  if (read < sources) process.stderr.write(`only ${read} of ${sources} sources were read\n`)
  process.exitCode = violations.length > 0 || read < sources ? 1 : 0
}
