// Imports point down. Each row says what a folder of src/ may import besides itself;
// main.ts and cli/ may import anything. scripts/check-imports.ts runs this and
// scripts/check-imports.test.ts seeds one violation per row.
const mayImport = {
  http: 'lifecycle accounts content events platforms media storage security model runtime',
  delivery: 'lifecycle accounts content platforms media storage security model runtime',
  schedule: 'lifecycle storage model runtime',
  accounts: 'platforms storage security model runtime',
  lifecycle: 'content storage model runtime',
  events: 'storage model runtime',
  sandbox: 'security model runtime',
  media: 'content storage security model runtime',
  platforms: 'content security model runtime',
  storage: 'model runtime',
  security: 'model runtime',
  config: 'model',
  runtime: 'model',
  content: 'model',
  model: '',
}

const tests = '\\.test\\.ts$'

const rows = Object.entries(mayImport).map(([folder, allowed]) => ({
  name: `${folder}-imports-down`,
  comment: `src/${folder} may import only: ${allowed || 'nothing'}`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: tests },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed.split(' ').filter(Boolean)].join('|')})/` },
}))

/** Only files under `only` may import what matches `target`. */
function reserved(name, only, target, comment) {
  return {
    name,
    comment,
    severity: 'error',
    from: { path: '^src/', pathNot: [only, tests] },
    to: { path: target },
  }
}

module.exports = {
  mayImport,
  forbidden: [
    ...rows,
    { name: 'no-circles', severity: 'error', from: { pathNot: tests }, to: { circular: true } },
    {
      name: 'platforms-keep-apart',
      severity: 'error',
      from: { path: '^src/platforms/([^/]+)/', pathNot: tests },
      to: { path: '^src/platforms/[^/]+/', pathNot: '^src/platforms/$1/' },
    },
    {
      name: 'platforms-use-outbound-alone',
      severity: 'error',
      from: { path: '^src/platforms/', pathNot: tests },
      to: { path: '^src/security/', pathNot: '^src/security/outbound\\.ts$' },
    },
    reserved(
      'status-from-lifecycle-only',
      '^src/(lifecycle/|storage/(status|delivery-status|settle-status|rescue-status)\\.ts)',
      '^src/storage/(status|delivery-status|settle-status|rescue-status)\\.ts$',
      'A status is written by a move of lifecycle/ alone.',
    ),
    reserved('pg-in-storage-only', '^src/storage/', 'node_modules/(pg|pg-[a-z]+)/', 'SQL lives in storage/.'),
    reserved(
      'network-through-outbound-only',
      '^src/security/outbound\\.ts$',
      '^(node:)?(http|https|http2|net|tls)$|node_modules/undici/',
      'Requests leave through security/outbound.ts, which checks every address.',
    ),
    {
      name: 'nothing-imports-the-top',
      severity: 'error',
      from: { path: '^src/', pathNot: [tests, '^src/(main\\.ts|cli/)'] },
      to: { path: '^src/(main\\.ts|cli/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
