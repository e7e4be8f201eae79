import { type DestinationStream, destination, pino } from 'pino'
import { redact, redactText } from './redact.ts'

/** What Belfry logs with. Structured, on standard error, one JSON object per line, without secrets. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
  child(facts: object): Logger
}

export function createLog(level: string, stream: DestinationStream = destination({ dest: 2, sync: true })): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (facts) => redact(withErrors(facts)) as Record<string, unknown>,
      },
      hooks: {
        logMethod(parts, method) {
          method.apply(this, parts.map((part) => (typeof part === 'string' ? redactText(part) : part)) as typeof parts)
        },
      },
      serializers: { err: (error) => error },
    },
    stream,
  )
}

/** Logs nothing; for tests. */
export function silentLog(): Logger {
  const log: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  return log
}

function withErrors(facts: Record<string, unknown>): Record<string, unknown> {
  const { err } = facts
  if (!(err instanceof Error)) return facts
  const { name, message, stack } = err
  const code = 'code' in err ? err.code : undefined
  const cause = err.cause instanceof Error ? `${err.cause.name}: ${err.cause.message}` : undefined
  return { ...facts, err: { name, message, stack, error_code: code, cause } }
}
