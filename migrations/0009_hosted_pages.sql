-- What the hosted pages keep for minutes: one-time codes, proofs that a browser gave, and counters that cap both.

create table one_time_codes (
    -- keyed hash of the browser's session
    session_hash bytea not null,
    resource_id text not null,
    code_id uuid not null,
    -- HMAC over everything that the code is bound to, and the code
    code_hash bytea not null,
    sequence bigint not null,
    action text not null check (action in ('approve', 'reject', 'withdraw', 'view')),
    -- what would be granted, sealed under the person's data key
    grant_sealed text,
    tries integer not null default 0,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (session_hash, resource_id)
);
create index one_time_codes_ended on one_time_codes (expires_at);

create table page_proofs (
    session_hash bytea not null,
    resource_id text not null,
    user_id text not null,
    expires_at timestamptz not null,
    primary key (session_hash, resource_id)
);
create index page_proofs_ended on page_proofs (expires_at);
comment on table page_proofs is 'Which browser session proved to be a resource''s recipient, for a while.';

create table page_caps (
    -- keyed hash of what is counted and for whom
    key bytea not null primary key,
    count bigint not null,
    resets_at timestamptz not null
);
create index page_caps_ended on page_caps (resets_at);
