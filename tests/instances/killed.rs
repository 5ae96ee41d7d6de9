//! The instance that holds every lease is gone, and another takes its work within seconds, however it went.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use sqlx::PgPool;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::following::assert_rows_are_folds;
use crate::support::process::{ServerProcess, sibling_program};
use crate::support::proxy::{socket_of, through_proxy};
use crate::support::receiver::Receiver;
use crate::support::{fresh_database, outbox, reference_body};

/// How long the others have.
const BOUND: Duration = Duration::from_secs(10);
/// Every lease there is.
const LEASES: [&str; 9] = [
    "consents",
    "devices",
    "enrollments",
    "webhook_endpoints",
    "deadlines",
    "webhook_outbox",
    "link_notices",
    "dropped_passkeys",
    "expiry",
];

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Killed,
    /// It keeps its connections, and says nothing.
    Stopped,
    /// Its connections are there on both ends, and nothing comes through.
    CutOff,
}

/// Forwards to the socket until it is cut: then nothing comes through and nothing is closed.
async fn wire(socket: PathBuf, cut: watch::Receiver<bool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let (socket, mut cut) = (socket.clone(), cut.clone());
            tokio::spawn(async move {
                let mut server = UnixStream::connect(socket).await.unwrap();
                // What ends by itself ends; what is cut stays open for as long as this runs.
                tokio::select! {
                    _ = copy_bidirectional(&mut client, &mut server) => {}
                    () = async { drop(cut.wait_for(|cut| *cut).await) } => std::future::pending().await,
                }
            });
        }
    });
    port
}

/// Which session holds which lease.
async fn holders(pool: &PgPool) -> BTreeMap<String, i32> {
    sqlx::query_as(
        "select name, pid from unnest($1::text[]) as name
         join pg_locks l on l.locktype = 'advisory' and l.granted
             and l.database = (select oid from pg_database where datname = current_database())
             and (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('mobid:lease:' || name, 0)",
    )
    .bind(&LEASES[..])
    .fetch_all(pool)
    .await
    .unwrap()
    .into_iter()
    .collect()
}

/// Waits until it is so.
async fn until(what: &str, since: Instant, holds: impl AsyncFn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let so = tokio::time::timeout_at(since + BOUND, async {
        while !holds().await {
            look.tick().await;
        }
    });
    so.await.unwrap_or_else(|_| panic!("{what}: not within {BOUND:?}"));
    eprintln!("{what}: after {:?}", since.elapsed());
}

async fn replaced(way: Way) {
    let database = fresh_database().await;
    let pool = mobid::database::connect(database.parse().unwrap(), 3).await.unwrap();
    let receiver = Receiver::start().await;
    let (cut, is_cut) = watch::channel(false);
    let url = match way {
        Way::CutOff => through_proxy(&database, wire(socket_of(&database), is_cut).await),
        Way::Killed | Way::Stopped => database.clone(),
    };
    let mut holder = ServerProcess::over(&url, &[]);
    holder.start().await;
    until("the first one holds every lease", Instant::now(), async || {
        holders(&pool).await.len() == LEASES.len()
    })
    .await;
    let first = holders(&pool).await;
    let mut others = [ServerProcess::over(&database, &[]), ServerProcess::over(&database, &[])];
    for other in &mut others {
        other.start().await;
    }
    let api = holder.api().at(&mobid_api(&others[0]));
    let endpoint = api.post("/v1/webhooks", &json!({ "url": receiver.url() })).await;
    assert_eq!(endpoint.status, 200, "{}", endpoint.text);
    let create = async || {
        let mut body = reference_body();
        (body["callbackUrl"], body["notify"]) = (json!(null), json!(true));
        // Nobody is sent as many links as this.
        body["recipient"] = json!(format!("{}@example.com", mobid::ids::new_id().simple()));
        let reply = api.post("/v1/service/consents", &body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    };
    for _ in 0..50 {
        create().await;
    }
    assert_eq!(holders(&pool).await, first);

    let hit = Instant::now();
    match way {
        Way::Killed => holder.kill_server(),
        Way::Stopped => holder.signal("STOP"),
        Way::CutOff => drop(cut.send_replace(true)),
    }
    for _ in 0..20 {
        create().await;
    }
    let head: i64 = sqlx::query_scalar("select max(position) from events").fetch_one(&pool).await.unwrap();
    until("every lease has another holder", hit, async || {
        let now = holders(&pool).await;
        now.len() == LEASES.len() && now.iter().all(|(name, pid)| first[name] != *pid)
    })
    .await;
    until("every follower has what came after", hit, async || {
        let reached: Vec<i64> =
            sqlx::query_scalar("select position from checkpoints").fetch_all(&pool).await.unwrap();
        // All but who sweeps for expired consents follow the log.
        reached.len() == LEASES.len() - 1 && reached.iter().all(|position| *position >= head)
    })
    .await;
    until("every delivery is made, also what the first one had begun", hit, async || {
        let made: i64 =
            sqlx::query_scalar("select count(*) from webhook_deliveries where status = 'succeeded'")
                .fetch_one(&pool)
                .await
                .unwrap();
        made == 70
    })
    .await;
    until("every link is sent, also what the first one had begun", hit, async || {
        let left: i64 =
            sqlx::query_scalar("select count(*) from link_notices").fetch_one(&pool).await.unwrap();
        left == 0
    })
    .await;
    let sent: usize = others.iter().chain([&holder]).map(|server| outbox(&server.data_dir).len()).sum();
    assert!(sent >= 70, "{sent} links");

    if way == Way::Stopped {
        holder.signal("CONT");
        // It is one among others now, and does no harm.
        let back = holder.api().get("/v1/service/consents?limit=1").await;
        assert_eq!(back.status, 200, "{}", back.text);
        create().await;
    }
    nothing_is_corrupted(&pool, &database).await;
}

/// Every follower at the head, rows that are folds, one delivery an event, and a log that verifies.
async fn nothing_is_corrupted(pool: &PgPool, database: &str) {
    until("all is settled", Instant::now(), async || {
        let behind: i64 = sqlx::query_scalar(
            "select count(*) from checkpoints where position < (select max(position) from events)",
        )
        .fetch_one(pool)
        .await
        .unwrap();
        behind == 0
    })
    .await;
    assert_rows_are_folds(pool).await;
    let (events, deliveries): (i64, i64) = sqlx::query_as(
        "select (select count(*) from events where aggregate_type = 'consent'),
                (select count(*) from webhook_deliveries)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(events, deliveries);
    let verified = Command::new(sibling_program("replay-tool"))
        .args(["--database-url", database, "verify"])
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

fn mobid_api(server: &ServerProcess) -> crate::support::Api {
    crate::support::Api::new(server.url(), String::new())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_killed_is_replaced_within_ten_seconds() {
    replaced(Way::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_stopped_is_replaced_within_ten_seconds() {
    replaced(Way::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_is_cut_off_is_replaced_within_ten_seconds() {
    replaced(Way::CutOff).await;
}
