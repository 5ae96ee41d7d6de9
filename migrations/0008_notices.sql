-- Links that recipients are to be sent.

create table link_notices (
    event_position bigint not null primary key,
    consent_id text not null,
    attempts integer not null default 0,
    -- minus infinity: at once
    next_attempt_at timestamptz not null default '-infinity'
);
create index link_notices_due on link_notices (next_attempt_at);
