-- Appending a batch as rows instead of columns: each event comes as one value that is read once and goes into the table as
-- it is, where the arrays of append_events had to be put together, cast, numbered and looked up in each other. Who is
-- late is found while the rows go in. In SQL alone a third less time for an event. append_events stays for servers that
-- are still to be replaced.

create type new_event as (
    -- which command of the batch it is of, and which event of that command: both from 1
    command integer,
    nth integer,
    event_id uuid,
    tenant text,
    aggregate_type text,
    aggregate_id text,
    -- the sequence that the command was decided on
    expected bigint,
    event_type text,
    event_version text,
    payload json,
    metadata json
);

-- Outcomes and positions are null if every command went in; else they are those of append_events, a command each. A command
-- has at least one event.
--
-- What is read after the lock is everything that committed before it, since each statement of a volatile function takes a
-- snapshot of its own. The unique indexes stay the last word.
create function append_batch(
    batch new_event[],
    claim_commands integer[], claim_kinds text[], claim_keys bytea[], claim_types text[], claim_ids text[],
    idempotency_commands integer[], idempotency_keys bytea[], fingerprints bytea[], answers bytea[],
    answered_at timestamptz[], answers_expire_at timestamptz[],
    out base bigint, out stamped_at timestamptz, out outcomes text[], out positions bigint[]
) language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    claimed integer[] := '{}';
    answered integer[] := '{}';
    refused integer[];
    losers integer[] := '{}';
    appended bigint;
begin
    perform pg_advisory_xact_lock(7883954820173440);

    select e.position, e.recorded_at into base, stamped_at from events e order by e.position desc limit 1;
    base := coalesce(base, 0);
    stamped_at := greatest(stamped_at, clock_timestamp());

    if cardinality(claim_commands) > 0 then
        select coalesce(array_agg(w.command), '{}') into claimed
        from unnest(claim_commands, claim_kinds, claim_keys) as w(command, kind, key)
        where exists (select from claims k where k.kind = w.kind and k.key = w.key);
    end if;
    if cardinality(idempotency_commands) > 0 then
        select coalesce(array_agg(w.command), '{}') into answered
        from unnest(idempotency_commands, idempotency_keys, answered_at) as w(command, key, at)
        where exists (select from idempotency_records r where r.key = w.key and r.expires_at > w.at);
    end if;
    refused := claimed || answered;

    -- What an aggregate's newest event is says both: whether the predecessor is there, and whether anything follows it.
    insert into events (position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type, event_version,
                        payload, metadata, recorded_at)
    select base + row_number() over (order by b.command, b.nth), b.event_id, b.tenant, b.aggregate_type, b.aggregate_id,
           b.expected + b.nth, b.event_type, b.event_version, b.payload, b.metadata, stamped_at
    from unnest(batch) b
    where b.command <> all (refused)
      and b.expected = coalesce((
        select e.sequence from events e
        where e.aggregate_type = b.aggregate_type and e.aggregate_id = b.aggregate_id
        order by e.sequence desc limit 1
    ), 0);
    get diagnostics appended = row_count;

    if appended < cardinality(batch) then
        select array_agg(o.outcome order by o.command), array_agg(o.position order by o.command),
               coalesce(array_agg(o.command) filter (where o.outcome is not null), '{}')
        into outcomes, positions, losers
        from (
            select b.command, occupant.position,
                case
                    -- it went in just now
                    when occupant.position > base then null
                    when occupant.metadata ->> 'commandId' = b.metadata ->> 'commandId' then 'appended'
                    when b.command = any (answered) then 'answered'
                    when b.command = any (claimed) then 'claimed'
                    else 'conflict'
                end as outcome
            from unnest(batch) b
            left join lateral (
                select e.position, e.metadata from events e
                where e.aggregate_type = b.aggregate_type and e.aggregate_id = b.aggregate_id
                  and e.sequence = b.expected + 1
                limit 1
            ) occupant on true
            where b.nth = 1
        ) o;
    end if;

    if cardinality(claim_commands) > 0 then
        insert into claims (kind, key, aggregate_type, aggregate_id)
        select w.kind, w.key, w.aggregate_type, w.aggregate_id
        from unnest(claim_commands, claim_kinds, claim_keys, claim_types, claim_ids)
            as w(command, kind, key, aggregate_type, aggregate_id)
        where w.command <> all (losers);
    end if;

    if cardinality(idempotency_commands) > 0 then
        insert into idempotency_records (key, fingerprint, answer, expires_at)
        select w.key, w.fingerprint, w.answer, w.expires_at
        from unnest(idempotency_commands, idempotency_keys, fingerprints, answers, answers_expire_at)
            as w(command, key, fingerprint, answer, expires_at)
        where w.command <> all (losers)
        on conflict (key) do update
            set fingerprint = excluded.fingerprint, answer = excluded.answer, expires_at = excluded.expires_at;
    end if;

    if appended > 0 then
        perform pg_notify('mobid_log', (base + appended)::text);
    end if;
end
$$;
