import type { FastifyInstance } from 'fastify'

/** What a person sees who opens the address in a browser. */
export function indexPageRoutes(app: FastifyInstance, options: { sandbox: boolean }): void {
  const page = indexPage(options.sandbox)
  app.get('/', { schema: { hide: true } }, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      .send(page),
  )
}

function indexPage(sandbox: boolean): string {
  const links = [
    ['/docs', 'API reference'],
    ['/openapi.json', 'OpenAPI document'],
    ...(sandbox ? [['/sandbox/', 'Sandbox: what the emulated platforms show']] : []),
  ]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Belfry</title>
<style>body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>
<h1>Belfry</h1>
<p>Belfry is running. The API lives under <code>/v1</code>.</p>
<ul>
${links.map(([href, text]) => `<li><a href="${href}">${text}</a></li>`).join('\n')}
</ul>
</html>
`
}
