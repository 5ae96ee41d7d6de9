//! The schema, and programs that are older than it.

use std::collections::BTreeSet;

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_older_than_the_schema_starts() {
    let app = TestApp::start().await;
    sqlx::query(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'of a later version', true, '\\x00', 0)",
    )
    .execute(app.pool())
    .await
    .unwrap();
    mobid::database::migrate(app.pool()).await.unwrap();
}

/// What the log is, what is made from it, and what tells a person's or a client's things apart grows with the log;
/// everything else comes to an end.
#[tokio::test(flavor = "multi_thread")]
async fn every_table_grows_with_the_log_or_is_tidied_by_an_index() {
    let grows = [
        "claims",
        "client_keys_used",
        "client_requests",
        "consents",
        "devices",
        "enrollments",
        "events",
        "vault_former_subjects",
        "vault_keys",
        "vault_subjects",
        "webhook_endpoints",
        "webhook_subscriptions",
    ];
    // One row each for a log, a migration, a follower and what stopped it, an index that is to be made again; and the
    // moves of a follower through a stretch of the log.
    let few = [
        "_sqlx_migrations",
        "checkpoint_moves",
        "followers",
        "indexes_set_aside",
        "log",
        "projection_failures",
    ];
    // Work that is done, and its row gone.
    let worked_off = [
        ("deadlines", "due_at"),
        ("dropped_passkeys", "next_attempt_at"),
        ("link_notices", "next_attempt_at"),
    ];
    let tidied = [
        ("ceremonies", "expires_at"),
        ("idempotency_records", "expires_at"),
        ("one_time_codes", "expires_at"),
        ("page_caps", "resets_at"),
        ("page_proofs", "expires_at"),
        ("person_sessions", "expires_at"),
        ("webhook_deliveries", "finished_at"),
    ];
    let app = TestApp::start().await;
    let tables: BTreeSet<String> =
        sqlx::query_scalar("select tablename from pg_tables where schemaname = 'public'")
            .fetch_all(app.pool())
            .await
            .unwrap()
            .into_iter()
            .collect();
    let ending = worked_off.iter().chain(&tidied);
    let known = grows.iter().chain(&few).copied().chain(ending.clone().map(|(table, _)| *table));
    assert_eq!(tables, known.map(str::to_owned).collect(), "say of a new table how it ends");
    for (table, column) in ending {
        let indexes: Vec<String> = sqlx::query_scalar("select indexdef from pg_indexes where tablename = $1")
            .bind(table)
            .fetch_all(app.pool())
            .await
            .unwrap();
        assert!(indexes.iter().any(|index| index.contains(&format!("({column}"))), "{table}.{column}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_goes_however_much_it_is_and_nothing_else() {
    let app = TestApp::start().await;
    let (now, later) = (app.clock().now(), app.clock().now() + chrono::TimeDelta::seconds(1));
    for (n, end) in [(2_500, now), (7, later)] {
        for insert in [
            "insert into idempotency_records (key, fingerprint, answer, expires_at)
             select gen_random_uuid()::text::bytea, '', '', $2 from generate_series(1, $1)",
            "insert into ceremonies (id, binding, sealed, expires_at)
             select gen_random_uuid()::text, '', '', $2 from generate_series(1, $1)",
            "insert into page_caps (key, count, resets_at)
             select gen_random_uuid()::text::bytea, 1, $2 from generate_series(1, $1)",
            "insert into page_proofs (session_hash, resource_id, user_id, expires_at)
             select gen_random_uuid()::text::bytea, 'cs_1', 'usr_1', $2 from generate_series(1, $1)",
            "insert into one_time_codes
                 (session_hash, resource_id, code_id, code_hash, sequence, action, created_at, expires_at)
             select gen_random_uuid()::text::bytea, 'cs_1', gen_random_uuid(), '', 1, 'view', $2,
                    $2 - interval '1 hour'
             from generate_series(1, $1)",
        ] {
            sqlx::query(insert).bind(n).bind(end).execute(app.pool()).await.unwrap();
        }
    }
    let left = async || {
        sqlx::query_as::<_, (i64, i64, i64, i64, i64)>(
            "select (select count(*) from idempotency_records), (select count(*) from page_caps),
                    (select count(*) from page_proofs), (select count(*) from one_time_codes),
                    (select count(*) from ceremonies)",
        )
        .fetch_one(app.pool())
        .await
        .unwrap()
    };
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    assert_eq!(left().await, (7, 7, 7, 7, 7));
    app.advance(chrono::TimeDelta::seconds(1));
    mobid::workers::housekeeping::tidy(&app.app).await.unwrap();
    assert_eq!(left().await, (0, 0, 0, 0, 0));
}
