import { resolve } from 'node:path'
import { Command } from 'commander'
import { readEnv } from '../config/env.ts'
import { wholeNumber } from '../config/parse.ts'
import { createClock } from '../runtime/clock.ts'
import { createLog } from '../runtime/log.ts'
import { print } from './output.ts'
import { stopOnSignal } from './server-command.ts'

interface SandboxOptions {
  host: string
  port: string
  data?: string
  json?: boolean
}

export function sandboxCommand(): Command {
  return new Command('sandbox')
    .description('the platform emulators alone, as their own process')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', '0: any free port', '4400')
    .option('--data <directory>', 'keeps what was published over restarts; default: in memory')
    .option('--json', 'one line of JSON on standard output when it is ready')
    .action(async (options: SandboxOptions) => {
      const env = readEnv()
      const port = wholeNumber({ '--port': options.port }, '--port', 4400, 0, 65_535)
      const offsetMs = wholeNumber(env, 'BELFRY_TEST_CLOCK_OFFSET_MS', 0, -1e12, 1e12)
      // Loaded now, so that --help answers at once.
      const { startSandboxServer } = await import('../sandbox/server.ts')
      const server = await startSandboxServer({
        host: options.host,
        port,
        dataDir: options.data ? resolve(options.data) : null,
        log: createLog(env['LOG_LEVEL'] ?? 'info'),
        clock: createClock(offsetMs),
      })
      stopOnSignal(() => server.close())
      print(
        options.json ?? false,
        { url: server.url, pid: process.pid },
        `Sandbox platforms listen on ${server.url}; start Belfry with BELFRY_SANDBOX_URL=${server.url}`,
      )
    })
}
