-- Appending one event, with nothing to claim and no answer to keep: as append_events does, without the arrays. Where the
-- aggregate is not at what was expected it appends nothing and answers null, and append_events is asked why.

create function append_one(
    of_type text, of_id text, expected bigint, new_id uuid, of_tenant text, new_type text, new_version text,
    new_payload text, new_metadata text
) returns bigint language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    base bigint;
    stamped_at timestamptz;
    newest bigint;
begin
    perform pg_advisory_xact_lock(7883954820173440);

    select e.position, e.recorded_at into base, stamped_at from events e order by e.position desc limit 1;
    select e.sequence into newest from events e
    where e.aggregate_type = of_type and e.aggregate_id = of_id
    order by e.sequence desc limit 1;
    if coalesce(newest, 0) <> expected then
        return null;
    end if;

    base := coalesce(base, 0) + 1;
    insert into events (position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type,
                        event_version, payload, metadata, recorded_at)
    values (base, new_id, of_tenant, of_type, of_id, expected + 1, new_type, new_version, new_payload::json,
            new_metadata::json, greatest(stamped_at, clock_timestamp()));
    perform pg_notify('mobid_log', base::text);
    return base;
end
$$;
