-- As append_one does, and says when, too: who appended an event then has all of it, and need not read it to follow the
-- log. append_one stays for servers that are still to be replaced.

create function append_event(
    of_type text, of_id text, expected bigint, new_id uuid, of_tenant text, new_type text, new_version text,
    new_payload text, new_metadata text, out appended_at bigint, out stamped_at timestamptz
) language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    newest bigint;
begin
    perform pg_advisory_xact_lock(7883954820173440);

    select e.position, e.recorded_at into appended_at, stamped_at from events e order by e.position desc limit 1;
    select e.sequence into newest from events e
    where e.aggregate_type = of_type and e.aggregate_id = of_id
    order by e.sequence desc limit 1;
    if coalesce(newest, 0) <> expected then
        appended_at := null;
        return;
    end if;

    appended_at := coalesce(appended_at, 0) + 1;
    stamped_at := greatest(stamped_at, clock_timestamp());
    insert into events (position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type,
                        event_version, payload, metadata, recorded_at)
    values (appended_at, new_id, of_tenant, of_type, of_id, expected + 1, new_type, new_version, new_payload::json,
            new_metadata::json, stamped_at);
    perform pg_notify('mobid_log', appended_at::text);
end
$$;
