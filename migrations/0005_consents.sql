-- The read model of consents.

create table consents (
    id text not null primary key,
    tenant text not null,
    user_id text not null,
    status text not null,
    purpose text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    sequence bigint not null,
    position bigint not null,
    state json not null
);
create index consents_newest on consents (tenant, created_at desc, id desc);
create index consents_of_person on consents (tenant, user_id, created_at desc, id desc);
