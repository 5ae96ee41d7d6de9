-- When each API key was last used.

create table client_keys_used (
    key_id text not null primary key,
    last_used_at timestamptz not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
comment on table client_keys_used is 'To the minute or so: a key is used too often for each time to be history.';
