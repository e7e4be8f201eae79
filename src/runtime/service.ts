import type { Logger } from './log.ts'
import { sleep } from './timer.ts'

/** Something that loops: runs once, says when to run again, and can be woken before that. */
export interface Service {
  readonly name: string
  /** Runs at once, or right after the run that is under way. */
  nudge(): void
  /** No new run; waits for the current one at most `graceMs`, then aborts its signal and waits as long again. */
  stop(graceMs?: number): Promise<void>
}

export interface ServiceOptions {
  name: string
  log: Logger
  /**
   * One round. Answers in how many milliseconds the next is due (capped at 60 s).
   * A throw is logged and the next round follows after `retryMs`: a database that is away must not end the loop.
   */
  runOnce(signal: AbortSignal): Promise<number>
  /** Wait after a failed round. @default 500 */
  retryMs?: number
}

export function startService(options: ServiceOptions): Service {
  const { name, log, runOnce, retryMs = 500 } = options
  const abort = new AbortController()
  let stopping = false
  let nudged = false
  let wake = new AbortController()
  let failures = 0

  async function round(): Promise<number> {
    try {
      const waitMs = await runOnce(abort.signal)
      if (failures > 0) log.info({ service: name }, 'works again')
      failures = 0
      return waitMs
    } catch (error) {
      // One line per outage and one a minute, not one per round.
      if (failures % 120 === 0 && !stopping) log.error({ service: name, err: error }, 'round failed, will try again')
      failures += 1
      return retryMs
    }
  }

  async function loop(): Promise<void> {
    while (!stopping) {
      nudged = false
      wake = new AbortController()
      const waitMs = await round()
      if (!nudged && !stopping) await sleep(waitMs, wake.signal)
    }
  }

  const ended = loop()
  return {
    name,
    nudge() {
      nudged = true
      wake.abort()
    },
    async stop(graceMs = 5_000) {
      stopping = true
      wake.abort()
      await Promise.race([ended, sleep(graceMs)])
      abort.abort()
      await Promise.race([ended, sleep(graceMs)])
    },
  }
}
