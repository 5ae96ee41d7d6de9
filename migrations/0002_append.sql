-- What commits together with events, and the one function that appends.

create table claims (
    kind text not null,
    key bytea not null,
    aggregate_type text not null,
    aggregate_id text not null,
    primary key (kind, key)
);
comment on table claims is 'What may exist once only (an API key''s hash, the owner), taken in the transaction of the events that take it.';

create table idempotency_records (
    key bytea not null primary key,
    fingerprint bytea not null,
    answer bytea not null,
    expires_at timestamptz not null
);
create index idempotency_records_expiry on idempotency_records (expires_at);
comment on table idempotency_records is 'First answers to POSTs with an Idempotency-Key, sealed under a key that only the caller has.';

-- Appends a batch of commands' events in one statement.
--
-- One lock orders all appenders. A volatile plpgsql function takes a new snapshot for each of its statements, so
-- what is read after the lock is everything that committed before it, and positions need no head row that would
-- leave dead versions behind. The unique indexes stay the last word: a writer that goes around this function makes
-- the statement fail, never the log wrong.
--
-- Which keys and claims are taken is looked up once for the batch, since it was most of the time of an append to look
-- for each command.
--
-- A command's outcome is null where its events went in; else 'appended' (they were in already: the answer to an
-- earlier attempt was lost), 'answered' (its idempotency key has an answer), 'claimed' or 'conflict'.
create function append_events(
    command_ids text[], aggregate_types text[], aggregate_ids text[], expected_sequences bigint[],
    event_commands integer[], event_ids uuid[], tenants text[], event_sequences bigint[], event_types text[],
    event_versions text[], payloads text[], metadatas text[],
    claim_commands integer[], claim_kinds text[], claim_keys bytea[],
    idempotency_commands integer[], idempotency_keys bytea[], fingerprints bytea[], answers bytea[],
    answered_at timestamptz[], answers_expire_at timestamptz[],
    out base bigint, out stamped_at timestamptz, out outcomes text[], out positions bigint[]
) language plpgsql volatile as $$
declare
    losers integer[];
    appended bigint;
begin
    perform pg_advisory_xact_lock(7883954820173440);

    select e.position, e.recorded_at into base, stamped_at from events e order by e.position desc limit 1;
    base := coalesce(base, 0);
    stamped_at := greatest(stamped_at, clock_timestamp());

    select array_agg(o.outcome order by o.ord), array_agg(o.position order by o.ord),
           coalesce(array_agg(o.ord) filter (where o.outcome is not null), '{}')
    into outcomes, positions, losers
    from (
        select c.ord::integer as ord, occupant.position,
            case
                when occupant.command_id = c.command_id then 'appended'
                when answer.command is not null then 'answered'
                when claim.command is not null then 'claimed'
                when occupant.position is not null then 'conflict'
                when c.expected > 0 and predecessor.present is null then 'conflict'
            end as outcome
        from unnest(command_ids, aggregate_types, aggregate_ids, expected_sequences)
            with ordinality as c(command_id, aggregate_type, aggregate_id, expected, ord)
        left join lateral (
            select e.position, e.metadata ->> 'commandId' as command_id from events e
            where e.aggregate_type = c.aggregate_type and e.aggregate_id = c.aggregate_id
              and e.sequence = c.expected + 1
            limit 1
        ) occupant on true
        left join lateral (
            select true as present from events e
            where e.aggregate_type = c.aggregate_type and e.aggregate_id = c.aggregate_id
              and e.sequence = c.expected
            limit 1
        ) predecessor on c.expected > 0
        left join (
            select distinct w.command
            from unnest(claim_commands, claim_kinds, claim_keys) as w(command, kind, key)
            join claims k on k.kind = w.kind and k.key = w.key
        ) claim on claim.command = c.ord
        left join (
            select distinct w.command
            from unnest(idempotency_commands, idempotency_keys, answered_at) as w(command, key, at)
            join idempotency_records r on r.key = w.key and r.expires_at > w.at
        ) answer on answer.command = c.ord
    ) o;

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
