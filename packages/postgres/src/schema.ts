/** The version of the tables and functions. A newer version is refused, an older one is migrated. */
export const SCHEMA_VERSION = 1

/**
 * Everything that must be atomic is a function, so that it takes one round trip. Advisory locks alone decide who
 * has a slice or a port. The tables record its purpose, and the ports that dead holders had out.
 *
 * If a row is `out` and its lock can be taken, the holder of the port is dead.
 */
export const SCHEMA = `
create schema if not exists portslice;

create table portslice.server (
  only_row boolean primary key default true check (only_row),
  version integer not null,
  started_at timestamptz not null,
  recovering_until timestamptz not null
);
insert into portslice.server (version, started_at, recovering_until)
  values (${SCHEMA_VERSION}, clock_timestamp(), clock_timestamp() + interval '30 s');

-- Empty after a crash, after a failover, and if the tables are new. A crash of a single server process counts
-- too: it ends all sessions and may lose rows, but does not change the start time of the server.
create unlogged table portslice.run (
  only_row boolean primary key default true check (only_row),
  identity text not null
);
-- Changes with each start, and if the tables are replaced by those of a dump.
create function portslice.run_identity() returns text language sql stable as $$
  select extract(epoch from pg_postmaster_start_time()) || ' ' || 'portslice.run'::regclass::oid
$$;

create table portslice.slices (
  host text not null,
  first integer not null check (first between 0 and 65504),
  owner uuid not null,
  holder jsonb not null,
  since timestamptz not null default clock_timestamp(),
  primary key (host, first)
);

create table portslice.ports (
  host text not null,
  port integer not null check (port between 1 and 65535),
  state text not null check (state in ('out', 'leaked', 'quarantined', 'free')),
  owner uuid not null,
  holder jsonb not null,
  is_claim boolean not null,
  label text,
  key text,
  project_root text,
  since timestamptz not null default clock_timestamp(),
  died_at timestamptz,
  primary key (host, port)
);
create index ports_by_owner on portslice.ports (owner);

create table portslice.history (
  id bigint generated always as identity primary key,
  host text not null,
  port integer not null,
  event text not null,
  label text,
  holder jsonb not null,
  at timestamptz not null default clock_timestamp()
);
create index history_by_port on portslice.history (host, port, id desc);

-- The rest of a quarantine, in ms. A death in the future counts as now.
create function portslice.left_ms(died timestamptz) returns integer language sql volatile as $$
  select greatest(0, 30000 - greatest(0,
    least(30000, extract(epoch from clock_timestamp() - died) * 1000)))::integer
$$;

-- After a start of the server, earlier holders have 30 s to return before others are served. The
-- tables may be new or come from an older backup, so they cannot tell which ports are out.
create function portslice.note_start() returns void language plpgsql as $$
begin
  -- The clock of the server was set back.
  update portslice.server set recovering_until = clock_timestamp() + interval '30 s'
    where recovering_until > clock_timestamp() + interval '30 s';
  if exists (select from portslice.run where identity = portslice.run_identity()) then
    return;
  end if;
  insert into portslice.run as r (identity) values (portslice.run_identity())
    on conflict (only_row) do update set identity = excluded.identity
      where r.identity <> excluded.identity;
  -- If no row was written, another session has noted the start meanwhile.
  if found then
    update portslice.server set started_at = clock_timestamp(),
      recovering_until = clock_timestamp() + interval '30 s';
  end if;
end $$;

create function portslice.recovering() returns jsonb language sql volatile as $$
  select jsonb_build_object('refused', 'recovering', 'leftMs', least(30000,
      ceil(extract(epoch from recovering_until - clock_timestamp()) * 1000))::integer)
    from portslice.server
    where recovering_until > clock_timestamp()
$$;

create function portslice.quarantine(p_host text, p_port integer) returns void
language sql volatile as $$
  insert into portslice.history (host, port, event, label, holder)
    select host, port, 'quarantine', label, holder
      from portslice.ports where host = p_host and port = p_port;
  update portslice.ports set state = 'quarantined', died_at = clock_timestamp()
    where host = p_host and port = p_port
$$;

create function portslice.hold(
  p_host text, p_slices integer, p_ports integer, p_first integer, p_owner uuid, p_holder jsonb
) returns jsonb language plpgsql as $$
declare
  refusal jsonb := portslice.recovering();
  each portslice.ports;
begin
  if refusal is not null then return refusal; end if;
  if not pg_try_advisory_lock(p_slices, p_first) then
    return jsonb_build_object('refused', 'held', 'holder',
      (select holder from portslice.slices where host = p_host and first = p_first));
  end if;
  insert into portslice.slices (host, first, owner, holder)
    values (p_host, p_first, p_owner, p_holder)
    on conflict (host, first) do update
      set owner = excluded.owner, holder = excluded.holder, since = clock_timestamp();
  update portslice.ports set died_at = clock_timestamp()
    where host = p_host and port between p_first and p_first + 30 and died_at > clock_timestamp();
  for each in select * from portslice.ports
    where host = p_host and port between p_first and p_first + 30 and state = 'out'
      and owner <> p_owner
    order by port for update
  loop
    -- A claimed port in the slice may have a live holder.
    if pg_try_advisory_lock(p_ports, each.port) then
      perform portslice.quarantine(p_host, each.port);
      perform pg_advisory_unlock(p_ports, each.port);
    end if;
  end loop;
  return jsonb_build_object('at', clock_timestamp(), 'left', coalesce((
    select jsonb_agg(jsonb_build_object('port', port, 'label', label, 'key', key,
        'projectRoot', project_root,
        'leftMs', case state when 'quarantined' then portslice.left_ms(died_at) else 0 end))
      from portslice.ports
      where host = p_host and port between p_first and p_first + 30
        and (state = 'quarantined' or key is not null)
  ), '[]'::jsonb));
end $$;

create function portslice.take(
  p_host text, p_ports integer, p_uses jsonb, p_owner uuid, p_holder jsonb, p_claim boolean
) returns jsonb language plpgsql as $$
declare
  refusal jsonb := portslice.recovering();
  use jsonb;
  wanted integer;
  known portslice.ports;
  locked integer[] := '{}';
begin
  if refusal is not null then return refusal; end if;
  for use in select * from jsonb_array_elements(p_uses) loop
    wanted := (use ->> 'port')::integer;
    if not pg_try_advisory_lock(p_ports, wanted) then
      select * into known from portslice.ports where host = p_host and port = wanted;
      refusal := jsonb_build_object('refused', 'held', 'port', wanted, 'holder', known.holder);
      exit;
    end if;
    locked := locked || wanted;
    select * into known from portslice.ports where host = p_host and port = wanted for update;
    if not found then continue; end if;
    if known.state = 'out' and known.owner = p_owner then
      -- A session gets a lock again that it already holds, so the lock proves nothing here.
      refusal := jsonb_build_object('refused', 'held', 'port', wanted, 'holder', known.holder);
      exit;
    end if;
    if known.state = 'out' then
      perform portslice.quarantine(p_host, wanted);
      refusal := jsonb_build_object('refused', 'quarantined', 'port', wanted, 'leftMs', 30000);
      exit;
    end if;
    if known.state = 'quarantined' and portslice.left_ms(known.died_at) > 0 and not coalesce(
      known.key not like 'named:%' and known.key = use ->> 'key'
        and known.project_root = use ->> 'projectRoot', false)
    then
      if known.died_at > clock_timestamp() then
        update portslice.ports set died_at = clock_timestamp()
          where host = p_host and port = wanted;
      end if;
      refusal := jsonb_build_object('refused', 'quarantined', 'port', wanted,
        'leftMs', portslice.left_ms(known.died_at));
      exit;
    end if;
  end loop;
  if refusal is not null then
    foreach wanted in array locked loop perform pg_advisory_unlock(p_ports, wanted); end loop;
    return refusal;
  end if;
  insert into portslice.ports as p
      (host, port, state, owner, holder, is_claim, label, key, project_root)
    select p_host, (u ->> 'port')::integer, 'out', p_owner, p_holder, p_claim,
        u ->> 'label', u ->> 'key', u ->> 'projectRoot'
      from jsonb_array_elements(p_uses) u
    on conflict (host, port) do update set
      state = 'out', owner = excluded.owner, holder = excluded.holder,
      is_claim = excluded.is_claim, label = excluded.label, key = excluded.key,
      project_root = excluded.project_root, since = clock_timestamp(), died_at = null;
  insert into portslice.history (host, port, event, label, holder)
    select p_host, (u ->> 'port')::integer, 'take', u ->> 'label', p_holder
      from jsonb_array_elements(p_uses) u;
  return jsonb_build_object('at', clock_timestamp());
end $$;

create function portslice.release(
  p_host text, p_ports integer, p_port integer, p_owner uuid, p_leaked boolean
) returns void language plpgsql as $$
begin
  insert into portslice.history (host, port, event, label, holder)
    select host, port, case when p_leaked then 'leak' else 'release' end, label, holder
      from portslice.ports
      where host = p_host and port = p_port and owner = p_owner and state = 'out';
  if not found then
    -- The tables may be new, but this session still holds the lock.
    perform pg_advisory_unlock(p_ports, p_port);
    return;
  end if;
  if p_leaked then
    update portslice.ports set state = 'leaked', since = clock_timestamp()
      where host = p_host and port = p_port;
  else
    -- The row of a key is kept, so that the key gets the same port again.
    update portslice.ports set state = 'free'
      where host = p_host and port = p_port and key is not null;
    delete from portslice.ports where host = p_host and port = p_port and key is null;
  end if;
  -- Before the commit: another session that gets the lock waits for the row.
  perform pg_advisory_unlock(p_ports, p_port);
end $$;

create function portslice.release_slice(
  p_host text, p_slices integer, p_first integer, p_owner uuid
) returns void language sql volatile as $$
  delete from portslice.slices where host = p_host and first = p_first and owner = p_owner;
  select pg_advisory_unlock(p_slices, p_first);
$$;

create function portslice.resume(
  p_host text, p_slices integer, p_ports integer, p_owner uuid, p_holder jsonb,
  p_firsts integer[], p_uses jsonb, p_seen timestamptz
) returns jsonb language plpgsql as $$
declare
  wanted integer;
  use jsonb;
  known portslice.ports;
  exists_row boolean;
  is_after_start boolean := portslice.recovering() is not null;
  -- After a start, older rows of others are stale: this owner was still alive then, and held the slice or port.
  stale_until timestamptz := (select least(started_at, p_seen) from portslice.server
    where is_after_start and p_seen is not null);
  kept_slices integer[] := '{}';
  kept jsonb := '[]'::jsonb;
  kept_ports integer[] := '{}';
begin
  foreach wanted in array p_firsts loop
    -- The other owner may return as well.
    if is_after_start and exists (select from portslice.slices
      where host = p_host and first = wanted and owner <> p_owner
        and (stale_until is null or since > stale_until))
    then continue; end if;
    if pg_try_advisory_lock(p_slices, wanted) then
      kept_slices := kept_slices || wanted;
      insert into portslice.slices (host, first, owner, holder)
        values (p_host, wanted, p_owner, p_holder)
        on conflict (host, first) do update
          set owner = excluded.owner, holder = excluded.holder, since = clock_timestamp();
    elsif exists (select from portslice.slices
      where host = p_host and first = wanted and owner = p_owner)
    then
      return jsonb_build_object('isBusy', true);
    end if;
  end loop;
  for use in select * from jsonb_array_elements(p_uses) loop
    wanted := (use ->> 'port')::integer;
    select * into known from portslice.ports where host = p_host and port = wanted;
    exists_row := found;
    if not pg_try_advisory_lock(p_ports, wanted) then
      if exists_row and known.owner = p_owner then
        return jsonb_build_object('isBusy', true);
      end if;
      continue;
    end if;
    select * into known from portslice.ports where host = p_host and port = wanted for update;
    exists_row := found;
    if exists_row and known.owner <> p_owner and known.state in ('out', 'quarantined')
      and (stale_until is null or known.since > stale_until)
    then
      -- Another process took it, and has died since.
      if known.state = 'out' then perform portslice.quarantine(p_host, wanted); end if;
      perform pg_advisory_unlock(p_ports, wanted);
      continue;
    end if;
    insert into portslice.ports (host, port, state, owner, holder, is_claim, label, key, project_root)
      values (p_host, wanted, 'out', p_owner, p_holder, coalesce((use ->> 'isClaim')::boolean, false),
        use ->> 'label', use ->> 'key', use ->> 'projectRoot')
      on conflict (host, port) do update set
        state = 'out', owner = excluded.owner, holder = excluded.holder,
        is_claim = case when portslice.ports.owner = excluded.owner
          then portslice.ports.is_claim else excluded.is_claim end,
        label = excluded.label, key = excluded.key, project_root = excluded.project_root,
        died_at = null;
    kept := kept || jsonb_build_array(use);
    kept_ports := kept_ports || wanted;
  end loop;
  delete from portslice.ports
    where host = p_host and owner = p_owner and state in ('out', 'quarantined')
      and port <> all (kept_ports);
  return jsonb_build_object('slices', to_jsonb(kept_slices), 'ports', kept,
    'at', clock_timestamp());
end $$;
`
