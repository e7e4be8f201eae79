/** The command line: parses arguments and calls one function. */
import { Command, CommanderError } from 'commander'
import { devCommand } from './dev.ts'
import { keysCommand } from './keys.ts'
import { migrateCommand } from './migrate.ts'
import { printFailure } from './output.ts'
import { projectsCommand } from './projects.ts'
import { sandboxCommand } from './sandbox.ts'
import { serveCommand } from './serve.ts'
import { version } from './version.ts'

const program = new Command('belfry')
  .description('Self-hosted social publishing: an HTTP API, a durable scheduler and a sandbox in one process.')
  .version(version)
  .showHelpAfterError('(belfry --help shows the commands)')
  .exitOverride()

for (const command of [
  devCommand(),
  serveCommand(),
  sandboxCommand(),
  migrateCommand(),
  projectsCommand(),
  keysCommand(),
]) {
  for (const one of [command, ...command.commands]) one.exitOverride()
  program.addCommand(command)
}

try {
  await program.parseAsync()
} catch (error) {
  // Exit codes: 0 done (help, version), 1 failed, 2 wrong usage.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else {
    printFailure(process.argv.includes('--json'), error)
    process.exit(1)
  }
}
