-- The log: append-only, totally ordered, gapless. Its columns are frozen for ever.

create table log (
    id uuid not null primary key default gen_random_uuid(),
    epoch integer not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    only_one boolean not null default true unique check (only_one)
);
comment on table log is 'Which log this is: the id goes into every Merkle leaf, the epoch changes when a log is restored from a backup.';
insert into log default values;

create table events (
    -- no default: nothing but append_events gives positions, so stock postgres-es can read but not write
    position bigint not null primary key check (position > 0),
    event_id uuid not null,
    tenant text not null,
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null check (sequence > 0),
    event_type text not null,
    event_version text not null,
    -- json, not jsonb: the bytes stay as they were written, which the leaf needs
    payload json not null,
    metadata json not null,
    recorded_at timestamptz not null,
    constraint events_aggregate unique (aggregate_type, aggregate_id, sequence)
);

create function refuse_to_change_the_log() returns trigger language plpgsql as $$
begin
    raise exception 'the log is append-only: % on % is refused', lower(tg_op), tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;

create trigger append_only before update or delete or truncate on events
    for each statement execute function refuse_to_change_the_log();
create trigger append_only before update or delete or truncate on log
    for each statement execute function refuse_to_change_the_log();
-- always: session_replication_role = replica does not get around it
alter table events enable always trigger append_only;
alter table log enable always trigger append_only;
revoke update, delete, truncate on events, log from public;
do $$ begin
    execute format('revoke update, delete, truncate on events, log from %I', current_user);
end $$;

-- The last change to any client, found at once: an authenticated key is good until then.
create index events_of_clients on events (position) where aggregate_type = 'client';
