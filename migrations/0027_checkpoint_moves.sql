-- A checkpoint that moves leaves no dead version of a row behind. Whoever holds a snapshot (a dump, a long report) keeps
-- those, and every move would pass all that came before it. So each move is a row of its own, which an index leads to
-- from its end, and a follower's own row is only there to be locked.

alter table checkpoints rename to followers;
alter index checkpoints_pkey rename to followers_pkey;

create table checkpoint_moves (
    name text not null,
    version integer not null,
    position bigint not null,
    moved_at timestamptz not null default clock_timestamp(),
    primary key (name, version, position)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
comment on table checkpoint_moves is 'Where each follower has come: its greatest position. Others are swept away now and then.';

insert into checkpoint_moves (name, version, position, moved_at)
select name, version, position, updated_at from followers;

alter table followers drop column position, drop column updated_at;
alter table followers reset (
    fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay);

-- By the index, whatever the planner makes of a table that is small one moment and not the next.
create function newest_move(follower text, of_version integer)
returns table (at_position bigint, at_time timestamptz) language plpgsql stable rows 1
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
begin
    return query
        select position, moved_at from checkpoint_moves where name = follower and version = of_version
        order by position desc limit 1;
end
$$;

create view checkpoints as
select name, version, at_position as position, at_time as updated_at
from followers cross join lateral newest_move(name, version);

-- Where it is, for nobody else to move until the transaction ends; null before its first start.
create function lock_checkpoint(follower text, of_version integer) returns bigint language plpgsql volatile as $$
declare
    found_at bigint;
begin
    perform from followers where name = follower and version = of_version for update;
    -- A statement of its own, so that it sees where it was moved to while this one waited.
    select at_position into found_at from newest_move(follower, of_version);
    return found_at;
end
$$;

-- Compare-and-set: false if it is not where it was thought to be.
create function set_checkpoint(follower text, of_version integer, from_position bigint, to_position bigint)
returns boolean language plpgsql volatile set enable_seqscan = off as $$
declare
    swept constant bigint := 1024;
begin
    if lock_checkpoint(follower, of_version) is distinct from from_position then
        return false;
    end if;
    if to_position < from_position then
        delete from checkpoint_moves where name = follower and version = of_version;
    end if;
    if to_position <> from_position then
        insert into checkpoint_moves (name, version, position) values (follower, of_version, to_position);
    end if;
    -- Where it leaves one stretch of the log for another, its moves through the one go: none from before is looked at,
    -- since what a snapshot keeps of those would be more each time.
    if to_position / swept > from_position / swept then
        delete from checkpoint_moves
        where name = follower and version = of_version
          and position >= from_position / swept * swept and position <= from_position;
    end if;
    return true;
end
$$;

create or replace function move_checkpoint(
    follower text, of_version integer, from_position bigint, to_position bigint
) returns text language plpgsql volatile as $$
begin
    perform lock_checkpoint(follower, of_version);
    -- A statement of its own, so that it sees a version that began while this one waited for the row.
    if exists (select from followers where name = follower and version > of_version) then
        return 'outdated';
    end if;
    return case when set_checkpoint(follower, of_version, from_position, to_position) then 'moved' else 'elsewhere' end;
end
$$;
