-- Who is signed in to what is theirs.

create table person_sessions (
    -- keyed hash of the browser's cookie
    session_hash bytea not null primary key,
    person_id text not null,
    -- the passkey that signed in; none where a one-time code did
    passkey_id text,
    -- how many of the person's passkeys had been dropped by then: one more ends the session, on every instance at once
    dropped integer not null,
    proved_at timestamptz not null,
    idle_until timestamptz not null,
    expires_at timestamptz not null
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
create index person_sessions_of_person on person_sessions (person_id);
create index person_sessions_ended on person_sessions (expires_at);
