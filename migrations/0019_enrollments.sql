-- The read model of enrollments.

create table enrollments (
    id text not null primary key,
    tenant text not null,
    user_id text not null,
    status text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    sequence bigint not null,
    position bigint not null,
    state json not null
);
create index enrollments_newest on enrollments (tenant, created_at desc, id desc);
create index enrollments_due on enrollments (expires_at, id) where status in ('pending', 'device_registered');
