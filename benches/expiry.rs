//! How soon after its time is `consent.expired` in the log, with 1 and with 10,000 falling due together?
//!
//! `cargo bench --bench expiry` starts the server on an embedded Postgres of its own and prints, for each, the time
//! from the deadline to the first and the last event, by the clock of the machine that runs both.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use futures::StreamExt;
use mobid::clock::Clock;
use mobid::config::{AdminListen, Config};
use mobid::event_store::{CommandContext, Terms};
use mobid::server::{Database, Server, master_key};
use mobid::{database, ids};
use mobid_domain::actor::Actor;
use mobid_domain::consent::{Consent, ConsentCommand, Create, RequireAssurance};
use mobid_domain::id::{ClientId, ConsentId, UserId};
use mobid_domain::sealed::Sealed;

#[tokio::main]
async fn main() -> Result<()> {
    let data_dir = std::env::temp_dir().join(format!("mobid-bench-{}", ids::new_id().simple()));
    let config = Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        admin_listen: AdminListen::Off,
        data_dir: data_dir.clone(),
        postgres_bin: std::env::var_os("MOBID_POSTGRES_BIN").map(Into::into),
        ..Config::default()
    };
    let database = Database::open(&config).await?;
    database::migrate(&database.pool).await?;
    let master = master_key(&config)?;
    let server = Server::start(config, Clock::system(), database.pool.clone(), master, None).await?;
    println!("{:>8}  {:>12}  {:>12}", "due", "first after", "last after");
    for round in 1..=3 {
        for count in [1, 10_000] {
            let (first, last) = measure(&server, count).await.with_context(|| format!("round {round}"))?;
            println!("{count:>8}  {:>9} ms  {:>9} ms", first.num_milliseconds(), last.num_milliseconds());
        }
    }
    server.stop().await?;
    database.close().await?;
    std::fs::remove_dir_all(data_dir)?;
    Ok(())
}

/// From the deadline to the first and the last `consent.expired`.
async fn measure(server: &Server, count: usize) -> Result<(TimeDelta, TimeDelta)> {
    let tenant = ClientId(ids::new_id());
    // A whole second, as the API's deadlines are.
    let due = (Utc::now() + TimeDelta::seconds(if count > 1 { 15 } else { 3 })).trunc_subsecs(0);
    let made = futures::stream::iter(0..count).map(|_| create(server, tenant, due)).buffer_unordered(128);
    made.collect::<Vec<_>>().await.into_iter().collect::<Result<Vec<_>>>()?;
    anyhow::ensure!(Utc::now() < due, "the machine took longer than the deadline to create {count}");
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let row: (i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>) = sqlx::query_as(
            "select count(*), min(recorded_at), max(recorded_at) from events
             where tenant = $1 and event_type = 'consent.expired'",
        )
        .bind(tenant.to_string())
        .fetch_one(server.app.store.pool())
        .await?;
        if let (expired, Some(first), Some(last)) = row
            && usize::try_from(expired)? == count
        {
            return Ok((first - due, last - due));
        }
        anyhow::ensure!(Utc::now() < due + TimeDelta::seconds(60), "only {} of {count} expired", row.0);
    }
}

async fn create(server: &Server, tenant: ClientId, due: DateTime<Utc>) -> Result<()> {
    let at = Utc::now();
    let create = Create {
        client_id: tenant,
        user_id: UserId(ids::new_id()),
        recipient: Sealed(String::new()),
        purpose: "login".parse()?,
        scope: vec![],
        callback_url: None,
        return_url: None,
        metadata: None,
        require_assurance: RequireAssurance::Any,
        notify: false,
        locale: None,
        expires_at: due,
        at,
    };
    let context =
        CommandContext { actor: Actor::Client(tenant), ..CommandContext::system("bench", tenant, at, None) };
    let id = ConsentId(ids::new_id()).to_string();
    let terms = Terms { new: true, ..Terms::default() };
    server
        .app
        .store
        .execute::<Consent>(&id, ConsentCommand::Create(Box::new(create)), &context, terms)
        .await?;
    Ok(())
}
