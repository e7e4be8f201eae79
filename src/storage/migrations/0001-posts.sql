-- Ids compare by bytes, so that their time order is the same on every server.

create table projects (
  id text collate "C" primary key,
  name text not null unique,
  return_url text,
  overflow text not null default 'refuse' check (overflow in ('refuse', 'truncate')),
  retry_deadline_s integer not null default 21600 check (retry_deadline_s between 60 and 604800),
  created_at timestamptz not null
);

create table api_keys (
  id text collate "C" primary key,
  project_id text collate "C" not null references projects on delete cascade,
  hash bytea not null unique,
  hint text not null,
  label text,
  scopes text[] not null,
  account_ids text[],
  reveal_tokens boolean not null default false,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null
);
create index api_keys_of_project on api_keys (project_id, created_at desc, id desc);

-- App credentials; `sealed` is encrypted.
create table provider_credentials (
  project_id text collate "C" not null references projects on delete cascade,
  platform text not null,
  kind text not null default 'default',
  client_id text not null,
  sealed bytea not null,
  updated_at timestamptz not null,
  primary key (project_id, platform, kind)
);

create table accounts (
  id text collate "C" primary key,
  project_id text collate "C" not null references projects on delete cascade,
  platform text not null,
  user_id text not null,
  username text,
  profile_photo_url text,
  external_id text,
  metadata jsonb,
  facts jsonb not null default '{}',
  origin text not null,
  -- Encrypted; null is disconnected.
  sealed bytea,
  access_token_expires_at timestamptz not null,
  refresh_token_expires_at timestamptz,
  needs_reconnect text,
  -- Who refreshes the token now, and until when; no lock is held over the call.
  refresh_lease_until timestamptz,
  refresh_fence bigint not null default 0,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (project_id, platform, user_id)
);
create index accounts_of_project on accounts (project_id, created_at desc, id desc);

create table posts (
  id text collate "C" primary key,
  project_id text collate "C" not null references projects on delete cascade,
  status text not null check (status in ('draft', 'scheduled', 'processing', 'processed')),
  version integer not null default 1,
  external_id text,
  caption text not null,
  media jsonb not null,
  platform_configurations jsonb not null,
  account_configurations jsonb not null,
  scheduled_at timestamptz,
  open_deliveries integer not null default 0 check (open_deliveries >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (status <> 'scheduled' or scheduled_at is not null),
  check (status = 'processing' or open_deliveries = 0)
) with (fillfactor = 85);
create index posts_of_project on posts (project_id, created_at desc, id desc);
create index posts_by_status on posts (project_id, status, created_at desc, id desc);
create index posts_by_external_id on posts (project_id, external_id) where external_id is not null;
-- The schedule.
create index posts_due on posts (scheduled_at, id) where status = 'scheduled';

-- To whom a post goes, in request order. The delivery's id is chosen when the target is written,
-- so that claiming a due post needs nothing but SQL.
create table targets (
  post_id text collate "C" not null references posts on delete cascade,
  position integer not null,
  account_id text collate "C" not null references accounts,
  delivery_id text collate "C" not null,
  primary key (post_id, position),
  unique (post_id, account_id)
);
create index targets_of_account on targets (account_id, post_id);

create table deliveries (
  id text collate "C" primary key,
  post_id text collate "C" not null references posts on delete cascade,
  project_id text collate "C" not null references projects on delete cascade,
  account_id text collate "C" not null references accounts on delete cascade,
  platform text not null,
  position integer not null,
  state text not null check (state in ('waiting', 'sending', 'unsure', 'published', 'failed')),
  -- Order among an account's deliveries; then id.
  due_at timestamptz not null,
  -- Not before this: backoff, polling, the next look at an unsure one.
  ready_at timestamptz not null,
  deadline_at timestamptz not null,
  tries integer not null default 0,
  looks integer not null default 0,
  -- Leases that died without a new checkpoint since.
  dead_claims integer not null default 0,
  -- Runs alone in its process, because it died twice.
  alone boolean not null default false,
  lease_until timestamptz,
  fence bigint not null default 0,
  worker text,
  begun_at timestamptz,
  mark jsonb,
  checkpoint jsonb,
  outcome text check (outcome in ('published', 'failed', 'unknown')),
  error text,
  code text,
  details jsonb,
  platform_data jsonb,
  media jsonb,
  settled_at timestamptz,
  created_at timestamptz not null,
  check ((state in ('published', 'failed')) = (settled_at is not null)),
  check ((state = 'sending') <= (lease_until is not null))
) with (fillfactor = 80);
create index deliveries_of_post on deliveries (post_id, position);
create index deliveries_settled on deliveries (project_id, settled_at desc, id desc) where settled_at is not null;
create index deliveries_settled_of_account on deliveries (account_id, settled_at desc, id desc) where settled_at is not null;
create index deliveries_waiting on deliveries (account_id, due_at, id) where state = 'waiting';
create index deliveries_unsure on deliveries (ready_at, id) where state = 'unsure';
-- At most one delivery per account is being sent, whatever process sends it.
create unique index deliveries_sending on deliveries (account_id) where state = 'sending';
-- No index on leases: they change often, and who holds one is sending or unsure, which have theirs.
create index deliveries_alone on deliveries (ready_at) where alone;

create table attempts (
  delivery_id text collate "C" not null references deliveries on delete cascade,
  number integer not null,
  kind text not null check (kind in ('publish', 'look')),
  begun_at timestamptz not null,
  ended_at timestamptz not null,
  worker text,
  -- What it learned: an outcome's kind, or `lost` when its process died.
  outcome text not null,
  reason text,
  primary key (delivery_id, number)
);

-- Facts for followers. Readers order by (xid, seq) below pg_snapshot_xmin(pg_current_snapshot()),
-- so that a transaction that commits late is never skipped.
create table events (
  seq bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  project_id text collate "C" not null,
  type text not null,
  post_id text collate "C",
  account_id text collate "C",
  delivery_id text collate "C",
  data jsonb not null default '{}',
  created_at timestamptz not null
);
create index events_in_order on events (xid, seq);
create index events_by_age on events (created_at);

-- Answers to writes that a client may repeat.
create table requests (
  id bigint generated always as identity primary key,
  hash bytea not null,
  -- Null: kept only until the answer is flushed.
  idempotency_key text,
  fingerprint bytea not null,
  retry_count integer not null,
  status integer not null,
  headers jsonb not null default '{}',
  body text not null,
  created_at timestamptz not null
);
create index requests_by_hash on requests (hash);
create index requests_by_age on requests (created_at);

-- Exact totals of the unfiltered and the status lists: changes are appended, a chore folds them.
create table post_counts (
  project_id text collate "C" not null,
  status text not null,
  delta bigint not null
);
create index post_counts_of_project on post_counts (project_id, status) include (delta);

create function count_posts_inserted() returns trigger language plpgsql as $$
begin
  insert into post_counts (project_id, status, delta)
  select project_id, status, count(*) from new_rows group by project_id, status;
  return null;
end $$;
create function count_posts_deleted() returns trigger language plpgsql as $$
begin
  insert into post_counts (project_id, status, delta)
  select project_id, status, -count(*) from old_rows group by project_id, status;
  return null;
end $$;
create function count_posts_updated() returns trigger language plpgsql as $$
begin
  insert into post_counts (project_id, status, delta)
  select project_id, status, sum(change)
  from (
    select project_id, status, 1 as change from new_rows
    union all
    select project_id, status, -1 from old_rows
  ) changes
  group by project_id, status
  having sum(change) <> 0;
  return null;
end $$;
create trigger posts_inserted after insert on posts
  referencing new table as new_rows for each statement execute function count_posts_inserted();
create trigger posts_deleted after delete on posts
  referencing old table as old_rows for each statement execute function count_posts_deleted();
create trigger posts_updated after update on posts
  referencing old table as old_rows new table as new_rows for each statement execute function count_posts_updated();
