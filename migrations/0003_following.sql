-- How far each follower of the log has come, and where one had to stop.

create table checkpoints (
    name text not null,
    version integer not null,
    position bigint not null default 0,
    updated_at timestamptz not null default clock_timestamp(),
    primary key (name, version)
) with (fillfactor = 50);

create table projection_failures (
    name text not null,
    version integer not null,
    position bigint not null,
    error text not null,
    failed_at timestamptz not null default clock_timestamp(),
    primary key (name, version)
);
comment on table projection_failures is 'A follower that met an event it cannot apply stops there and leaves this row; it is gone once the follower gets past.';
