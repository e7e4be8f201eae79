/**
 * The one place that reads the time. Production runs on real time; `dev` and tests move it.
 * Statements that decide take `dbNow()`: null lets the database's own clock decide.
 */
export interface Clock {
  now(): Date
  nowMs(): number
  /** Null on real time; the moved time otherwise. For `coalesce($n, statement_timestamp())`. */
  dbNow(): Date | null
  /** Milliseconds ahead of real time. */
  offsetMs(): number
  forward(ms: number): void
  reset(): void
  /** Calls back whenever the clock was moved, so that timers are armed again. */
  onMove(listener: () => void): void
}

export function createClock(offsetMs = 0): Clock {
  let offset = offsetMs
  const listeners: (() => void)[] = []
  const moved = (next: number) => {
    offset = next
    for (const listener of listeners) listener()
  }
  return {
    now: () => new Date(Date.now() + offset),
    nowMs: () => Date.now() + offset,
    dbNow: () => (offset === 0 ? null : new Date(Date.now() + offset)),
    offsetMs: () => offset,
    forward: (ms) => moved(offset + ms),
    reset: () => moved(0),
    onMove: (listener) => void listeners.push(listener),
  }
}

/** Milliseconds on a clock that never jumps, for measuring how long something took. */
export function monotonicMs(): number {
  return performance.now()
}
