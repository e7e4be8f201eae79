import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../runtime/log.ts'
import { later } from '../runtime/timer.ts'
import type { Db } from '../storage/database.ts'
import { deleteAnswers } from '../storage/requests.ts'

/** Rows are deleted together this long after the first of them was delivered, in milliseconds. */
const batchMs = 50
/** After a failed delete, in milliseconds. */
const retryMs = 1_000
const maxBatch = 1_000

/** Forgets stored answers once they are delivered. */
export interface Delivered {
  /** Rows that are delivered and still stored: no repeat may get them. */
  ids(): readonly number[]
  /** Deletes this row when the answer has been fully handed to the network; keeps it if the client left before. */
  whenFlushed(request: FastifyRequest, reply: FastifyReply, id: number): void
  /** Deletes what is left. */
  close(): Promise<void>
}

export function createDelivered(db: Db, log: Logger): Delivered {
  const waiting = new Set<number>()
  let cancel: (() => void) | null = null
  let running: Promise<void> = Promise.resolve()

  function arm(ms: number): void {
    cancel ??= later(ms, () => {
      cancel = null
      running = running.then(flush)
    })
  }

  async function flush(): Promise<void> {
    const ids = [...waiting].slice(0, maxBatch)
    if (ids.length === 0) return
    try {
      await deleteAnswers(db, ids)
      for (const id of ids) waiting.delete(id)
      if (waiting.size > 0) arm(0)
    } catch (error) {
      // They stay in `waiting`, so this process folds nothing on them meanwhile; a chore deletes them in the end.
      log.warn({ err: error, rows: ids.length }, 'delivered answers could not be deleted yet')
      arm(retryMs)
    }
  }

  return {
    ids: () => [...waiting],
    whenFlushed(request, reply, id) {
      reply.raw.once('finish', () => {
        if (clientLeft(request, reply)) return
        waiting.add(id)
        arm(batchMs)
      })
    },
    async close() {
      cancel?.()
      cancel = null
      await running
      await flush()
    },
  }
}

/** True once the client has closed its connection, or it broke: nobody waits for this answer any more. */
export function clientLeft(request: FastifyRequest, reply: FastifyReply): boolean {
  const { socket } = request.raw
  return socket.destroyed || socket.readableEnded || (reply.raw.destroyed && !reply.raw.writableFinished)
}
