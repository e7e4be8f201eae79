import { errors, failures } from '../src/model/errors.ts'

/** docs/errors.md: every code that an answer or a result can carry. */
export function errorsPage(): string {
  const answers = Object.entries(errors).map(
    ([code, [status, sentence]]) => `| \`${code}\` | ${status} | ${sentence} |`,
  )
  const results = Object.entries(failures).map(([code, sentence]) => `| \`${code}\` | ${sentence} |`)
  return `# Errors

Made from \`src/model/errors.ts\` by \`npm run generate\`; do not edit.

## Answers

Every error body has \`statusCode\`, \`message\` and \`code\`. A post that is refused has all its problems in
\`errors\`; a wrong parameter or field has them as an array in \`message\`.

| code | status | what it says |
|---|---|---|
${answers.join('\n')}

## Failed deliveries

A post result that failed has a sentence in \`error\` and one of these in \`details.code\`. Platforms add their own
codes for what they refuse; the sentence is then the platform's own.

| code | what it says |
|---|---|
${results.join('\n')}
`
}
