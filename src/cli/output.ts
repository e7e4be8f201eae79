import { BelfryError, StartError } from '../model/errors.ts'
import { redactText } from '../runtime/redact.ts'

/** One JSON object on standard output, or text for a person. */
export function print(json: boolean, object: object, text: string): void {
  process.stdout.write(`${json ? JSON.stringify(object) : text}\n`)
}

/** One line on standard error, or one JSON object on standard output with `--json`; the process then ends with 1. */
export function printFailure(json: boolean, error: unknown): void {
  const expected = error instanceof StartError || error instanceof BelfryError
  const message = redactText(error instanceof Error ? error.message : String(error))
  if (json) process.stdout.write(`${JSON.stringify({ error: message })}\n`)
  process.stderr.write(`belfry: ${message}\n`)
  if (!expected && error instanceof Error && process.stderr.isTTY)
    process.stderr.write(`${redactText(error.stack ?? '')}\n`)
}

/** Rows as columns that line up. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}
