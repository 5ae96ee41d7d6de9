-- Keys and handles: the deletable side. Destroying a key erases what it sealed everywhere, the log included.

create table vault_subjects (
    tenant text not null,
    handle_hash bytea not null,
    user_id text not null,
    primary key (tenant, handle_hash)
);
comment on table vault_subjects is 'The only way from a handle (by its keyed hash) to the pairwise id that events carry.';

create table vault_keys (
    key_id uuid not null primary key,
    tenant text not null,
    -- the pairwise id of the person, or the tenant's own id for what is about no person
    subject text not null,
    wrapped bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    unique (tenant, subject)
);
comment on table vault_keys is 'Data keys, wrapped by the master key.';
