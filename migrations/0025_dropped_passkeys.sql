-- Passkeys that were dropped: what they were to clients goes with them, though whoever dropped one went away meanwhile.

create table dropped_passkeys (
    passkey_id text not null primary key,
    person_id text not null,
    dropped_at timestamptz not null,
    -- minus infinity: at once
    next_attempt_at timestamptz not null default '-infinity'
);
create index dropped_passkeys_due on dropped_passkeys (next_attempt_at);

-- Proofs end all at once when their person says so.
create index page_proofs_of_user on page_proofs (user_id);
