import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Db } from '../src/storage/database.ts'
import { createTestDatabase } from './fixtures/database.ts'

const file = new URL('./schema.snapshot.txt', import.meta.url)

test('the schema after all migrations is the committed one (UPDATE_SNAPSHOT=1 writes it anew)', async (t) => {
  const { db, drop } = await createTestDatabase()
  t.after(drop)
  const schema = await describeSchema(db)
  if (process.env['UPDATE_SNAPSHOT']) writeFileSync(file, schema)
  assert.equal(
    schema,
    readFileSync(file, 'utf8'),
    'the migrations make another schema than test/schema.snapshot.txt; if that is meant: UPDATE_SNAPSHOT=1 npm run test:node',
  )
})

/** Every column, constraint, index, trigger and function, one per line, in an order that no server changes. */
async function describeSchema(db: Db): Promise<string> {
  // PostgreSQL 18 lists NOT NULL as constraints; the columns say it for every version.
  const rows = await db.rows<{ line: string }>(
    `select line from (
       select c.relname as place, 1 as kind, a.attnum as number, concat_ws(' ', 'column', c.relname || '.' || a.attname,
         format_type(a.atttypid, a.atttypmod), 'collate ' || nullif(l.collname, 'default'),
         case when a.attnotnull then 'not null' end,
         'default ' || pg_get_expr(d.adbin, d.adrelid), case a.attidentity when 'a' then 'identity' end) as line
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       left join pg_collation l on l.oid = a.attcollation
       left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
       where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
       union all
       select c.relname, 0, 0, concat_ws(' ', 'table', c.relname, array_to_string(c.reloptions, ', '))
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
       union all
       select c.relname, 2, 0, concat_ws(' ', 'constraint', c.relname, o.conname, pg_get_constraintdef(o.oid))
       from pg_constraint o join pg_class c on c.oid = o.conrelid
       where c.relnamespace = 'public'::regnamespace and o.contype <> 'n'
       union all
       select tablename, 3, 0, 'index ' || indexdef from pg_indexes where schemaname = 'public'
       union all
       select c.relname, 4, 0, pg_get_triggerdef(g.oid)
       from pg_trigger g join pg_class c on c.oid = g.tgrelid
       where c.relnamespace = 'public'::regnamespace and not g.tgisinternal
       union all
       select 'functions', 5, 0, pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
     ) lines order by place collate "C", kind, number, line collate "C"`,
  )
  return `${rows.map(({ line }) => line.trimEnd()).join('\n')}\n`
}
