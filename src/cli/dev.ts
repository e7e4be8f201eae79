import { Command } from 'commander'
import { type Config, readConfig } from '../config/config.ts'
import { type DevState, readDevState } from '../config/secrets.ts'
import type { Belfry } from '../main.ts'
import { StartError } from '../model/errors.ts'
import { createLog } from '../runtime/log.ts'
import { makeApiKey } from '../security/api-keys.ts'
import { print } from './output.ts'
import { stopOnSignal, withOptions } from './server-command.ts'
import { version } from './version.ts'

interface DevOptions {
  host?: string
  port?: string
  expose?: boolean
  json?: boolean
}

export function devCommand(): Command {
  return new Command('dev')
    .description('all in one process with the sandbox on; data under BELFRY_DATA_DIR (default ./.belfry)')
    .option('--host <address>', 'where to listen; default 127.0.0.1 (HOST); any other needs --expose')
    .option('--port <number>', 'default 3000; 0: any free port (PORT)')
    .option('--expose', 'open to the network: everything then asks for the API key')
    .option('--json', 'one line of JSON on standard output when it is ready')
    .action(async (options: DevOptions) => {
      const config = readConfig(withOptions({ HOST: options.host, PORT: options.port }), 'dev')
      refuseQuietExposure(config, options.expose ?? false)
      const log = createLog(options.json || process.stdout.isTTY !== true ? config.logLevel : quieter(config.logLevel))
      const state = readDevState(config.dataDir, () => makeApiKey().key)
      const secret = config.secret ?? Buffer.from(state.secret, 'base64')
      const exposeKey = options.expose ? state.apiKey : null
      // Loaded now, so that --help and refusals answer at once.
      const { startBelfry } = await import('../main.ts')
      const belfry = await startBelfry({ config, secret, log, version, exposeKey })
      stopOnSignal(belfry.stop)
      const { firstStart } = await import('./first-start.ts')
      const ready = await firstStart(belfry, config, state)
      print(options.json ?? false, line(belfry, config, ready), welcome(belfry, ready))
    })
}

function refuseQuietExposure(config: Config, expose: boolean): void {
  const isLoopback = ['127.0.0.1', 'localhost', '::1'].includes(config.host)
  if (isLoopback || expose) return
  throw new StartError(
    `HOST is "${config.host}"; dev answers on loopback only. Add --expose to open it to the network, or use belfry serve.`,
  )
}

/** A terminal shows the welcome, not a line per transition. */
function quieter(level: string): string {
  return level === 'info' ? 'warn' : level
}

type ReadyState = DevState & { projectId: string }

function line(belfry: Belfry, config: Config, ready: ReadyState) {
  return {
    url: belfry.url,
    api_key: ready.apiKey,
    project_id: ready.projectId,
    sandbox_url: config.sandboxUrl ?? belfry.url,
    pid: process.pid,
    accounts: ready.accounts,
  }
}

function welcome(belfry: Belfry, ready: ReadyState): string {
  const { url } = belfry
  const account = ready.accounts[0]?.id ?? 'ACCOUNT_ID'
  const auth = `-H 'Authorization: Bearer ${ready.apiKey}'`
  return `Belfry is ready: ${url}
API key:        ${ready.apiKey}
API reference:  ${url}/docs
Sandbox:        ${url}/sandbox/  (nothing here reaches a real platform)

Try it:
  curl ${auth} ${url}/v1/social-accounts
  curl ${auth} -H 'Content-Type: application/json' ${url}/v1/social-posts -d '{"caption":"Hello from Belfry","social_accounts":["${account}"]}'
  curl ${auth} ${url}/v1/social-post-results`
}
