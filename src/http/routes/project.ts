import type { FastifyInstance } from 'fastify'
import { BelfryError } from '../../model/errors.ts'
import type { Project as ProjectModel } from '../../model/project.ts'
import { type ProjectChange, updateProject } from '../../storage/projects.ts'
import type { Api } from '../parts.ts'
import { Project, ProjectPatch } from '../schemas/admin.ts'
import { errorsOf } from '../schemas/parts.ts'

const tags = ['Project']

export function projectRoutes(app: FastifyInstance, api: Api): void {
  app.get(
    '/project',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'getProject',
        summary: 'The key’s own project',
        response: { 200: Project, ...errorsOf() },
      },
    },
    async (request) => projectToWire(request.caller.project),
  )

  app.patch(
    '/project',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        operationId: 'updateProject',
        summary: 'Change the key’s own project',
        body: ProjectPatch,
        response: { 200: Project, ...errorsOf('invalid') },
      },
    },
    async (request, reply) => {
      const change = changeOf(request.body as ProjectPatch)
      return api.writes.run(request, reply, {
        work: async (tx) => {
          const project = await updateProject(tx, request.caller.project.id, change)
          if (!project) throw invalid(`name is taken by another project, got ${JSON.stringify(change.name)}`)
          return { status: 200, body: projectToWire(project) }
        },
      })
    },
  )
}

function changeOf(patch: ProjectPatch): ProjectChange {
  const { name, return_url: returnUrl, overflow, retry_deadline_s: retryDeadlineS } = patch
  if (returnUrl && !/^https?:$/.test(URL.parse(returnUrl)?.protocol ?? '')) {
    throw invalid('return_url must be an absolute http or https address')
  }
  return {
    ...(name !== undefined && { name }),
    ...(returnUrl !== undefined && { returnUrl }),
    ...(overflow !== undefined && { overflow }),
    ...(retryDeadlineS !== undefined && { retryDeadlineS }),
  }
}

function invalid(problem: string): BelfryError {
  return new BelfryError('invalid_request', undefined, [problem])
}

function projectToWire(project: ProjectModel) {
  return {
    id: project.id,
    name: project.name,
    return_url: project.returnUrl,
    overflow: project.overflow,
    retry_deadline_s: project.retryDeadlineS,
    created_at: project.createdAt.toISOString(),
  }
}
