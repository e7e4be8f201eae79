/** Gathers items while a write is in flight and writes them together: under load many share one round trip. */
export interface Batch<In, Out> {
  /** Resolves with this item's answer once its write is done. */
  add(item: In): Promise<Out>
}

interface Entry<In, Out> {
  item: In
  resolve(answer: Out): void
  reject(error: unknown): void
}

/**
 * @param write writes all items and answers in the same order
 * @param maxItems most items of one write
 * @param mayRepeat says for an error whether the items may be written one by one instead: one bad item
 *   must not fail its neighbours
 */
export function createBatch<In, Out>(options: {
  write(items: In[]): Promise<Out[]>
  maxItems: number
  mayRepeat(error: unknown): boolean
}): Batch<In, Out> {
  const { write, maxItems, mayRepeat } = options
  let queue: Entry<In, Out>[] = []
  let draining = false

  async function writeAll(entries: Entry<In, Out>[]): Promise<void> {
    try {
      const answers = await write(entries.map((entry) => entry.item))
      entries.forEach((entry, index) => {
        entry.resolve(answers[index]!)
      })
    } catch (error) {
      if (entries.length > 1 && mayRepeat(error)) {
        for (const entry of entries) await writeAll([entry])
      } else {
        for (const entry of entries) entry.reject(error)
      }
    }
  }

  async function drain(): Promise<void> {
    draining = true
    // What arrives in this turn of the event loop goes together.
    await Promise.resolve()
    while (queue.length > 0) {
      const entries = queue.slice(0, maxItems)
      queue = queue.slice(maxItems)
      await writeAll(entries)
    }
    draining = false
  }

  return {
    add(item) {
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject })
        if (!draining) void drain()
      })
    },
  }
}
