//! The schema, and programs that are older than it.

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
