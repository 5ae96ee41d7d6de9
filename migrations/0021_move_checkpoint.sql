-- How a follower's step begins, in one question: its checkpoint moves, unless it is elsewhere or a newer version follows.

create function move_checkpoint(follower text, of_version integer, from_position bigint, to_position bigint)
returns text language plpgsql volatile as $$
begin
    update checkpoints set position = to_position, updated_at = clock_timestamp()
    where name = follower and version = of_version and position = from_position;
    if not found then
        return 'elsewhere';
    end if;
    -- A statement of its own, so that it sees a version that began while the update waited for the row.
    if exists (select from checkpoints where name = follower and version > of_version) then
        return 'outdated';
    end if;
    return 'moved';
end
$$;
