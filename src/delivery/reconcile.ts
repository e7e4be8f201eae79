/** A look at a delivery that may be visible: what may be asked, and what may follow, is declared by the mark's recovery. */
import type { Job, Outcome, Platform, Tools } from '../platforms/platform.ts'

export async function lookFor(platform: Platform, job: Job, tools: Tools): Promise<Outcome> {
  const mark = job.mark!
  const { recovery, repeatableUntil } = mark
  const repeatable = repeatableUntil === null || Date.parse(repeatableUntil) > tools.clock.nowMs()
  if (recovery === 'native-key' && repeatable) return repeat(platform, job, tools)
  if (recovery === 'none' || !platform.find) {
    return { kind: 'unsure', message: 'This platform offers no way to ask.' }
  }
  const found = await platform.find(job, tools)
  if (found !== 'absent') return found
  // Absence is proven for `exact` alone: the delivery may be sent anew.
  return recovery === 'exact'
    ? { kind: 'absent', message: 'The platform proves that nothing was published.' }
    : { kind: 'unsure', message: 'The platform shows nothing, which proves nothing.' }
}

/** The same request again, harmless by the platform's own key. */
async function repeat(platform: Platform, job: Job, tools: Tools): Promise<Outcome> {
  const outcome = await platform.publish(job, tools)
  const lostLogin = outcome.kind === 'reconnect'
  if (!lostLogin || !platform.find) return outcome
  // The login died after the request was sent: only looking can still tell.
  const found = await platform.find(job, tools)
  if (found === 'absent') return outcome
  return found
}
