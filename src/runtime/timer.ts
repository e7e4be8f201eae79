/** Longest single timer: `setTimeout` overflows after 24.8 days, and a shorter one follows clock jumps. */
const maxTimerMs = 60_000

/** Resolves after `ms` (0 to 60,000; longer waits are cut there) or as soon as the signal aborts. Never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, Math.min(Math.max(ms, 0), maxTimerMs))
    signal?.addEventListener('abort', done, { once: true })
  })
}

/** Calls `run` once after `ms`; the answer cancels it. Does not keep the process alive. */
export function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, Math.min(Math.max(ms, 0), maxTimerMs))
  timer.unref()
  return () => clearTimeout(timer)
}

/** Calls `run` every `ms` until the answer is called. Does not keep the process alive. */
export function every(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms)
  timer.unref()
  return () => clearInterval(timer)
}
