-- WebAuthn ceremonies that were begun: any instance completes one, once.

create table ceremonies (
    id text not null primary key,
    -- keyed hash of what kind it is and who began it
    binding bytea not null,
    -- the challenge and what it is for, sealed under the master key
    sealed bytea not null,
    expires_at timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
create index ceremonies_ended on ceremonies (expires_at);
