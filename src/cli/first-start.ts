import { connectAccount, verifyGiven } from '../accounts/connect.ts'
import type { Config } from '../config/config.ts'
import { type DevState, writeDevState } from '../config/secrets.ts'
import type { Belfry } from '../main.ts'
import { platformNames } from '../model/platform.ts'
import { scopes } from '../model/project.ts'
import { platformOf } from '../platforms/registry.ts'
import { newId } from '../runtime/ids.ts'
import { hashApiKey, hintOf } from '../security/api-keys.ts'
import { createKey, findKey } from '../storage/keys.ts'
import { insertProject, readProjectByName } from '../storage/projects.ts'

const projectName = 'dev'

/** What `dev` needs to be usable at once: a project, a key with every scope, and an account per emulated platform. Kept over starts. */
export async function firstStart(
  belfry: Belfry,
  config: Config,
  state: DevState,
): Promise<DevState & { projectId: string }> {
  const { db, clock } = belfry
  const known = await findKey(db, hashApiKey(state.apiKey), clock.dbNow())
  if (known && state.projectId) return { ...state, projectId: known.project.id }

  const project =
    (await insertProject(db, { id: newId('proj', clock.nowMs()), name: projectName }, null)) ??
    (await readProjectByName(db, projectName))
  if (!project) throw new Error('the dev project was removed while it was made')
  if (!known) {
    await createKey(
      db,
      {
        id: newId('key', clock.nowMs()),
        projectId: project.id,
        hash: hashApiKey(state.apiKey),
        hint: hintOf(state.apiKey),
        label: 'dev',
        scopes,
        accountIds: null,
        revealTokens: false,
        expiresAt: null,
      },
      null,
    )
  }
  const accounts = await sandboxAccounts(belfry, project.id)
  const ready = { ...state, projectId: project.id, accounts }
  writeDevState(config.dataDir, ready)
  return ready
}

/** One emulated account per platform that Belfry can publish to, connected as anybody would connect it. */
async function sandboxAccounts(belfry: Belfry, projectId: string): Promise<DevState['accounts']> {
  const accounts: DevState['accounts'] = []
  for (const platform of platformNames.filter((name) => platformOf(name) !== null)) {
    const made = await belfry.makeSandboxAccount(platform)
    const given = {
      platform,
      userId: made.user_id,
      username: made.username,
      accessToken: made.access_token,
      accessTokenExpiresAt: new Date(made.access_token_expires_at),
      refreshToken: made.refresh_token,
      refreshTokenExpiresAt: made.refresh_token_expires_at === null ? null : new Date(made.refresh_token_expires_at),
      metadata: made.metadata,
    }
    const connected = await verifyGiven(belfry.db, projectId, given, belfry.connecting)
    const { account } = await belfry.db.transaction((tx) =>
      connectAccount(tx, projectId, given, connected, belfry.connecting),
    )
    accounts.push({ id: account.id, platform })
  }
  return accounts
}
