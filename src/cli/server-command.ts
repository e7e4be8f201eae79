import type { Env } from '../config/env.ts'
import { readEnv } from '../config/env.ts'
import { later } from '../runtime/timer.ts'

/** Options that stand for a setting, laid over the environment: the command line wins. */
export function withOptions(settings: Record<string, string | undefined>): Env {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined)
  return { ...readEnv(), ...Object.fromEntries(given) }
}

/** A stop that takes longer is ended, in milliseconds. */
const hardStopMs = 25_000

/** Stops once on SIGTERM or SIGINT and ends the process; a second signal ends it at once. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1)
      stopping = true
      // A database that neither answers nor hangs up must not keep the process: what was cut off is taken up later.
      later(hardStopMs, () => {
        process.stderr.write('belfry: stopping took too long; what is under way is taken up at the next start\n')
        process.exit(1)
      })
      stop().then(
        () => process.exit(0),
        (error) => {
          process.stderr.write(`belfry: stopping failed: ${error instanceof Error ? error.message : error}\n`)
          process.exit(1)
        },
      )
    })
  }
}
