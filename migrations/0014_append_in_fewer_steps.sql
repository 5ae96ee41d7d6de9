-- Appending, with less to look up: for a batch in which nobody is late, one look at each aggregate's newest event says
-- so, and who is late is then asked about in detail. The same arguments and the same answers as before. Planned once: the plan does not depend on what a batch holds, and planning took
-- as long as a small batch.

create or replace function append_events(
    command_ids text[], aggregate_types text[], aggregate_ids text[], expected_sequences bigint[],
    event_commands integer[], event_ids uuid[], tenants text[], event_sequences bigint[], event_types text[],
    event_versions text[], payloads text[], metadatas text[],
    claim_commands integer[], claim_kinds text[], claim_keys bytea[],
    idempotency_commands integer[], idempotency_keys bytea[], fingerprints bytea[], answers bytea[],
    answered_at timestamptz[], answers_expire_at timestamptz[],
    out base bigint, out stamped_at timestamptz, out outcomes text[], out positions bigint[]
) language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    late integer[];
    claimed integer[] := '{}';
    answered integer[] := '{}';
    losers integer[] := '{}';
    appended bigint;
begin
    perform pg_advisory_xact_lock(7883954820173440);

    select e.position, e.recorded_at into base, stamped_at from events e order by e.position desc limit 1;
    base := coalesce(base, 0);
    stamped_at := greatest(stamped_at, clock_timestamp());

    -- What an aggregate's newest event is says both: whether the predecessor is there, and whether anything follows it.
    select array_agg(c.ord::integer) into late
    from unnest(aggregate_types, aggregate_ids, expected_sequences)
        with ordinality as c(aggregate_type, aggregate_id, expected, ord)
    where c.expected <> coalesce((
        select e.sequence from events e
        where e.aggregate_type = c.aggregate_type and e.aggregate_id = c.aggregate_id
        order by e.sequence desc limit 1
    ), 0);

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

    outcomes := array_fill(null::text, array[cardinality(command_ids)]);
    positions := array_fill(null::bigint, array[cardinality(command_ids)]);
    if late is not null or cardinality(claimed) > 0 or cardinality(answered) > 0 then
        select array_agg(o.outcome order by o.ord), array_agg(o.position order by o.ord),
               coalesce(array_agg(o.ord) filter (where o.outcome is not null), '{}')
        into outcomes, positions, losers
        from (
            select c.ord::integer as ord, occupant.position,
                case
                    when occupant.command_id = c.command_id then 'appended'
                    when c.ord = any (answered) then 'answered'
                    when c.ord = any (claimed) then 'claimed'
                    when c.ord = any (late) then 'conflict'
                end as outcome
            from unnest(command_ids, aggregate_types, aggregate_ids, expected_sequences)
                with ordinality as c(command_id, aggregate_type, aggregate_id, expected, ord)
            left join lateral (
                select e.position, e.metadata ->> 'commandId' as command_id from events e
                where e.aggregate_type = c.aggregate_type and e.aggregate_id = c.aggregate_id
                  and e.sequence = c.expected + 1
                limit 1
            ) occupant on true
        ) o;
    end if;

    insert into events (position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type,
                        event_version, payload, metadata, recorded_at)
    select base + row_number() over (order by u.ord), u.event_id, u.tenant, aggregate_types[u.command],
           aggregate_ids[u.command], u.sequence, u.event_type, u.event_version, u.payload::json,
           u.metadata::json, stamped_at
    from unnest(event_commands, event_ids, tenants, event_sequences, event_types, event_versions, payloads,
                metadatas)
        with ordinality as u(command, event_id, tenant, sequence, event_type, event_version, payload, metadata, ord)
    where u.command <> all (losers);
    get diagnostics appended = row_count;

    if cardinality(claim_commands) > 0 then
        insert into claims (kind, key, aggregate_type, aggregate_id)
        select w.kind, w.key, aggregate_types[w.command], aggregate_ids[w.command]
        from unnest(claim_commands, claim_kinds, claim_keys) as w(command, kind, key)
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
