-- What clients use: when each key was good for something last, and how many requests came on each day.

create table client_keys_used (
    key_id text not null primary key,
    last_used_at timestamptz not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
comment on table client_keys_used is 'To the minute or so: a key is used too often for each time to be history.';

create table client_requests (
    client_id text not null,
    day date not null,
    instance uuid not null,
    admitted bigint not null,
    over_minute bigint not null,
    over_day bigint not null,
    over_concurrency bigint not null,
    primary key (client_id, day, instance)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
comment on table client_requests is
    'As each running server has counted them so far, so that writing a row twice changes nothing. Days that are over are '
    'added up under the nil instance.';
create index client_requests_to_add_up on client_requests (day)
    where instance <> '00000000-0000-0000-0000-000000000000';
