/** One attempt of a delivery, top to bottom: check, open the account, publish or look, learn an outcome. */
import { freshAccount, refreshAccount, type StoredAccount, type TokenTools } from '../accounts/tokens.ts'
import { resolveContent } from '../content/resolve.ts'
import type { CommitMark, HeldDelivery, PublishingAccount } from '../model/delivery.ts'
import type { PlatformName } from '../model/platform.ts'
import type { ResolvedContent } from '../model/post.ts'
import type { CommitStep, Outcome, Platform, Tools } from '../platforms/platform.ts'
import { type Clock, monotonicMs } from '../runtime/clock.ts'
import type { Logger } from '../runtime/log.ts'
import type { Outbound } from '../security/outbound.ts'
import type { Vault } from '../security/vault.ts'
import type { Database } from '../storage/database.ts'
import type { Ledger } from './ledger.ts'
import { failedBy, isPut, type Move, nextMove, unknown } from './outcome.ts'
import { lookFor } from './reconcile.ts'

/** What every attempt of a process shares. */
export interface AttemptParts {
  db: Database
  ledger: Ledger
  clock: Clock
  log: Logger
  vault: Vault
  platformOf(name: PlatformName): Platform | null
  /** The door to one platform, at its configured origin. */
  http(name: PlatformName): Outbound
  /** The guarded door to addresses that users gave. */
  web: Outbound
  originOf(name: PlatformName): string
}

/** How the worker steers a running attempt. */
export interface Control {
  /** Aborts when the lease was lost or the process stops; never once something visible is on its way. */
  signal: AbortSignal
  /** Called when the commit mark is durable. */
  committed(): void
}

/** Lease lost: whatever this attempt knows no longer counts. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost'
}

/** Runs one attempt. Answers the next move, with the mark in force when it ended. */
export async function runAttempt(
  held: HeldDelivery,
  parts: AttemptParts,
  control: Control,
): Promise<{ move: Move; kind: 'publish' | 'look' }> {
  const kind = held.state === 'unsure' ? 'look' : 'publish'
  const begunMs = monotonicMs()
  const log = parts.log.child({ post_id: held.postId, delivery_id: held.id })
  const run = { ...parts, log }
  let mark = held.mark

  const refusal = refuseEarly(held, run)
  if (refusal) return { kind, move: refusal }
  const platform = run.platformOf(held.platform)!
  const resolved = resolveContent(held.content, held.platform, held.account.id)
  const fitted = mark ? { content: resolved, note: null } : fit(platform, resolved, held)
  if ('move' in fitted) return { kind, move: fitted.move }

  const tools: Tools = {
    http: run.http(held.platform),
    web: run.web,
    clock: run.clock,
    log,
    signal: control.signal,
    async checkpoint(next) {
      held.checkpoint = next
      await write({ mark: null, checkpoint: next })
    },
    async commit(step, next) {
      const made = markOf(platform, step, run.clock)
      if (next) held.checkpoint = next
      await write({ mark: made, checkpoint: next ?? null })
      mark = made
      control.committed()
    },
  }
  async function write(step: { mark: CommitMark | null; checkpoint: HeldDelivery['checkpoint'] }): Promise<void> {
    if (control.signal.aborted) throw new LeaseLost()
    if (!(await run.ledger.progress({ id: held.id, fence: held.fence, ...step }))) throw new LeaseLost()
    if (control.signal.aborted) throw new LeaseLost()
  }

  let outcome: Outcome
  try {
    outcome = await withAccount(platform, held, { ...tools, db: run.db, vault: run.vault }, (account) => {
      const attempt = held.tries
      const { id: deliveryId, checkpoint } = held
      const job = { deliveryId, attempt, content: fitted.content, account, checkpoint, mark }
      return kind === 'look' ? lookFor(platform, job, tools) : platform.publish(job, tools)
    })
  } catch (error) {
    if (error instanceof LeaseLost) throw error
    // A bug, or a world that the adapter did not foresee. What was marked may be visible.
    log.error({ err: error }, 'publishing threw')
    outcome = mark
      ? { kind: 'unsure', message: 'Publishing broke off after the post was sent.' }
      : { kind: 'retry', reason: 'Publishing failed inside Belfry before anything was sent.' }
  }
  // From the database's clock, which set all three, and a stopwatch: this machine's own clock may be wrong.
  const nowMs = held.begunAt.getTime() + monotonicMs() - begunMs
  const { tries, looks, deadlineAt } = held
  const deadlineInMs = deadlineAt.getTime() - nowMs
  const ageMs = nowMs - held.dueAt.getTime()
  const move = nextMove(outcome, { kind, tries, looks, mark, deadlineInMs, deadlineAt, ageMs })
  if (!isPut(move) && move.to === 'published' && fitted.note) move.details = { ...move.details, trimmed: fitted.note }
  return { kind, move }
}

/** What can be said without asking the platform. */
function refuseEarly(held: HeldDelivery, parts: AttemptParts): Move | null {
  const { account } = held
  const committed = held.mark !== null
  if (!account.connected) {
    return committed ? unknown('The account was disconnected.') : failedBy('account_disconnected')
  }
  if (!parts.platformOf(held.platform)) {
    return failedBy('platform_not_supported', `This version of Belfry cannot publish to ${held.platform} yet.`)
  }
  const origin = parts.originOf(held.platform)
  if (account.origin !== origin) {
    const message = `The account was connected at ${account.origin}; this server publishes to ${origin}. Connect it again.`
    return committed ? unknown(message) : failedBy('origin_changed', message)
  }
  if (account.needsReconnect !== null && !committed) {
    return failedBy(
      'account_needs_reconnect',
      `The platform no longer accepts this account’s login; connect it again, then retry. ${account.needsReconnect}`,
    )
  }
  return null
}

/** The content checked against the platform as it is now, cut where the project says so. */
function fit(
  platform: Platform,
  content: ResolvedContent,
  held: HeldDelivery,
): { content: ResolvedContent; note: string | null } | { move: Move } {
  const cut = held.overflow === 'truncate' ? platform.cut(content, held.account.facts) : null
  const fitted = cut ? { ...content, caption: cut.caption } : content
  const problems = platform.check(fitted, held.account.facts)
  if (problems.length > 0) {
    return { move: failedBy('content_invalid', problems.map((problem) => problem.message).join(' ')) }
  }
  return { content: fitted, note: cut?.note ?? null }
}

/** Runs `use` with a fresh login; once more with a new one when the platform calls it expired. */
async function withAccount(
  platform: Platform,
  held: HeldDelivery,
  tools: TokenTools,
  use: (account: PublishingAccount) => Promise<Outcome>,
): Promise<Outcome> {
  const { id, userId, username, facts, accessTokenExpiresAt, sealedCredentials } = held.account
  const stored: StoredAccount = { id, userId, username, facts, accessTokenExpiresAt, sealed: sealedCredentials! }
  const fresh = await freshAccount(platform, stored, tools)
  if (fresh.kind !== 'fresh') return withoutAccount(fresh)
  // What a refusal is about: an account that is connected anew meanwhile has another login.
  held.account.sealedCredentials = fresh.sealed
  const outcome = await use(fresh.account)
  if (outcome.kind !== 'expired') return outcome
  const current = { ...stored, sealed: fresh.sealed }
  const renewed = await refreshAccount(platform, current, tools)
  if (renewed.kind !== 'fresh') return withoutAccount(renewed)
  held.account.sealedCredentials = renewed.sealed
  const again = await use(renewed.account)
  return again.kind === 'expired' ? { kind: 'reconnect', message: again.message } : again
}

function withoutAccount(answer: Exclude<Awaited<ReturnType<typeof freshAccount>>, { kind: 'fresh' }>): Outcome {
  if (answer.kind === 'disconnected')
    return {
      kind: 'refused',
      code: 'account_disconnected',
      message: 'The account was disconnected before this post went out.',
    }
  return answer
}

function markOf(platform: Platform, step: CommitStep, clock: Clock): CommitMark {
  const { flow, key = null, repeatableMs } = step
  const repeatableUntil = repeatableMs === undefined ? null : new Date(clock.nowMs() + repeatableMs).toISOString()
  return { step: step.step, flow, key, recovery: platform.recovery[flow] ?? 'none', repeatableUntil }
}
