import { Command } from 'commander'
import { StartError } from '../model/errors.ts'
import { createClock } from '../runtime/clock.ts'
import { newId } from '../runtime/ids.ts'
import { insertProject, listProjects } from '../storage/projects.ts'
import { print, table } from './output.ts'
import { withStore } from './store.ts'

export function projectsCommand(): Command {
  const projects = new Command('projects').description('tenants: each has its own keys, accounts and posts')
  projects
    .command('create')
    .description('creates a project')
    .argument('<name>', 'its name, 1 to 200 characters')
    .option('--json', 'one JSON object on standard output')
    .action(async (name: string, options: { json?: boolean }) => {
      if (name.trim() === '' || name.length > 200) {
        throw new StartError(`The name has ${name.length} characters; it takes 1 to 200.`)
      }
      const id = newId('proj', createClock().nowMs())
      const project = await withStore((db) => insertProject(db, { id, name }, null))
      if (!project) throw new StartError(`There is a project named "${name}" already.`)
      print(options.json ?? false, { id: project.id, name }, `Created project ${project.id} "${name}".`)
    })
  projects
    .command('list')
    .description('lists the projects, oldest first')
    .option('--json', 'one JSON object per line on standard output')
    .action(async (options: { json?: boolean }) => {
      const all = await withStore(listProjects)
      if (options.json) {
        for (const { id, name, createdAt } of all) print(true, { id, name, created_at: createdAt }, '')
      } else {
        const rows = all.map(({ id, name, createdAt }) => [id, name, createdAt.toISOString()])
        print(
          false,
          {},
          all.length > 0 ? table(['id', 'name', 'created'], rows) : 'No projects yet: belfry projects create NAME',
        )
      }
    })
  return projects
}
