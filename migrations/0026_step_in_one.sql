-- A step of the consents follower in one statement: its checkpoint moves, then the rows are written. In a function, since
-- that takes the row's lock before the table's, as everybody does who empties the table.

-- As before; and whoever is outdated leaves the checkpoint where it was, though nobody rolls back.
create or replace function move_checkpoint(
    follower text, of_version integer, from_position bigint, to_position bigint
) returns text language plpgsql volatile as $$
begin
    update checkpoints set position = to_position, updated_at = clock_timestamp()
    where name = follower and version = of_version and position = from_position;
    if not found then
        return 'elsewhere';
    end if;
    -- A statement of its own, so that it sees a version that began while the update waited for the row.
    if exists (select from checkpoints where name = follower and version > of_version) then
        update checkpoints set position = from_position where name = follower and version = of_version;
        return 'outdated';
    end if;
    return 'moved';
end
$$;

-- Never writes an older state over a newer one. Without a follower it moves no checkpoint; with one its commit need not
-- be on disk: a crash takes back both, and the log has the events.
create function write_consents(
    follower text, of_version integer, from_position bigint, to_position bigint,
    ids text[], tenants text[], user_ids text[], statuses text[], purposes text[], created timestamptz[],
    expire timestamptz[], sequences bigint[], positions bigint[], states text[]
) returns text language plpgsql volatile set plan_cache_mode = force_generic_plan as $$
declare
    became text := 'moved';
begin
    if follower is not null then
        perform set_config('synchronous_commit', 'off', true);
        became := move_checkpoint(follower, of_version, from_position, to_position);
    end if;
    if became = 'moved' then
        insert into consents (id, tenant, user_id, status, purpose, created_at, expires_at, sequence, position, state)
        select u.id, u.tenant, u.user_id, u.status, u.purpose, u.created_at, u.expires_at, u.sequence, u.position,
               u.state::json
        from unnest(ids, tenants, user_ids, statuses, purposes, created, expire, sequences, positions, states)
            as u(id, tenant, user_id, status, purpose, created_at, expires_at, sequence, position, state)
        on conflict (id) do update set
            status = excluded.status, purpose = excluded.purpose, expires_at = excluded.expires_at,
            sequence = excluded.sequence, position = excluded.position, state = excluded.state
        where consents.position < excluded.position;
    end if;
    return became;
end
$$;
