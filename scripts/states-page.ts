import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deliveryMoves, postMoves } from '../src/lifecycle/states.ts'

/** docs/states.md: both state tables, with the sentences that stand in lifecycle/states.ts. */
export function statesPage(): string {
  const source = readFileSync(join(import.meta.dirname, '..', 'src', 'lifecycle', 'states.ts'), 'utf8')
  return `# States

Made from \`src/lifecycle/states.ts\` by \`npm run generate\`; do not edit.

## A post

${diagram(postMoves)}

${meanings(source, 'postMoves', postMoves)}

\`PUT\` and \`DELETE\` work while a post is \`draft\` or \`scheduled\`. They race with the dispatcher on the post's row and
exactly one wins; the loser is answered 400 with the true status, and nothing changed.

## A delivery

One delivery is one publish of a post to one account. Once settled it is the public post result.

${diagram(deliveryMoves)}

${meanings(source, 'deliveryMoves', deliveryMoves)}

An unsure delivery is looked at after 5 s, 30 s, 2, 5 and 15 min, then it is \`failed\` with the code \`outcome_unknown\`.
Where the platform lets a repeat be harmless (Bluesky does), the look is the same request again, and an outage of the
platform is waited out until the project's retry deadline.
`
}

function diagram(moves: Record<string, readonly string[]>): string {
  const lines = Object.entries(moves).flatMap(([from, all]) => all.map((to) => `  ${from} --> ${to}`))
  return `\`\`\`mermaid\nstateDiagram-v2\n${lines.join('\n')}\n\`\`\``
}

function meanings(source: string, name: string, moves: Record<string, readonly string[]>): string {
  const table = source.slice(source.indexOf(`export const ${name}`))
  const rows = Object.keys(moves).map((state) => {
    const said = new RegExp(`/\\*\\* ([^*]+) \\*/\\n  ${state}:`).exec(table)?.[1]
    if (!said) throw new Error(`${name}.${state} has no sentence`)
    return `| \`${state}\` | ${said} |`
  })
  return `| state | what it means, and who moves it on |\n|---|---|\n${rows.join('\n')}`
}
