//! Nobody changes what is in the log.

use sqlx::{Connection, Executor, PgConnection};

use crate::support::{TestApp, admin_pool};

const CHANGES: [&str; 8] = [
    "update events set payload = '{}'",
    "update events set recorded_at = recorded_at where false",
    "delete from events",
    "delete from events where position = 1",
    "truncate events",
    "update log set epoch = 2",
    "delete from log",
    "truncate log cascade",
];

/// By privilege (42501), before anything else.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_role_may_not_change_the_log() {
    let app = TestApp::start().await;
    for change in CHANGES {
        let error = app.pool().execute(change).await.unwrap_err();
        let error = error.as_database_error().unwrap();
        assert_eq!(error.code().as_deref(), Some("42501"), "{change}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_superuser_cannot_change_the_log_by_accident_either() {
    let app = TestApp::start().await;
    let admin = admin_pool(&app.database_url()).await;
    let mut conn: PgConnection = admin.acquire().await.unwrap().detach();
    for role in ["origin", "replica", "local"] {
        conn.execute(format!("set session_replication_role = {role}").as_str()).await.unwrap();
        for change in CHANGES {
            let error = conn.execute(change).await.unwrap_err();
            assert!(error.to_string().contains("the log is append-only"), "{role} {change}: {error}");
        }
        let merge =
            "merge into events e using (values (1)) v (p) on e.position = v.p when matched then delete";
        assert!(conn.execute(merge).await.unwrap_err().to_string().contains("append-only"));
        let upsert =
            "insert into log (id) values (gen_random_uuid()) on conflict (only_one) do update set epoch = 9";
        assert!(conn.execute(upsert).await.unwrap_err().to_string().contains("append-only"));
    }
    conn.close().await.unwrap();
    let epoch: i32 = sqlx::query_scalar("select epoch from log").fetch_one(app.pool()).await.unwrap();
    assert_eq!(epoch, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_of_one_log() {
    let app = TestApp::start().await;
    assert!(app.pool().execute("insert into log default values").await.is_err());
}
