-- The read model of devices.

create table devices (
    id text not null primary key,
    tenant text not null,
    user_id text not null,
    status text not null,
    registered_at timestamptz not null,
    sequence bigint not null,
    position bigint not null,
    state json not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
create index devices_newest on devices (tenant, registered_at desc, id desc);
create index devices_of_user on devices (tenant, user_id, registered_at desc, id desc);
