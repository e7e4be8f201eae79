import { Command } from 'commander'
import { readConfig } from '../config/config.ts'
import { createLog } from '../runtime/log.ts'
import { print } from './output.ts'
import { stopOnSignal, withOptions } from './server-command.ts'
import { version } from './version.ts'

interface ServeOptions {
  roles?: string
  host?: string
  port?: string
  json?: boolean
}

export function serveCommand(): Command {
  return new Command('serve')
    .description('production; any number of processes share one PostgreSQL')
    .option('--roles <roles>', 'comma list of api, worker, web; default all (BELFRY_ROLES)')
    .option('--host <address>', 'where to listen; default 127.0.0.1 (HOST)')
    .option('--port <number>', 'default 3000; 0: any free port (PORT)')
    .option('--json', 'one line of JSON on standard output when it is ready')
    .action(async (options: ServeOptions) => {
      const config = readConfig(
        withOptions({ BELFRY_ROLES: options.roles, HOST: options.host, PORT: options.port }),
        'serve',
      )
      const log = createLog(config.logLevel)
      // Loaded now, so that --help and refusals answer at once.
      const { startBelfry } = await import('../main.ts')
      const belfry = await startBelfry({ config, secret: config.secret!, log, version })
      stopOnSignal(belfry.stop)
      print(
        options.json ?? false,
        { url: belfry.url, pid: process.pid, roles: config.roles },
        `Belfry listens on ${belfry.url} (${config.roles.join(', ')})`,
      )
    })
}
