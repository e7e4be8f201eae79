import { Command } from 'commander'
import { print } from './output.ts'
import { withStore } from './store.ts'

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('brings the database to the current schema; safe to run from several processes at once')
    .option('--json', 'one JSON object on standard output')
    .action(async (options: { json?: boolean }) => {
      // Opening brings the schema up to date.
      await withStore(async () => {})
      print(options.json ?? false, { migrated: true }, 'The database is at the current schema.')
    })
}
