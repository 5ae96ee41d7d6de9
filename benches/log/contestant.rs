//! Contestants that are processes of their own: this program, started again by itself.
//!
//! `open` answers `GET /v1/health` as the product does, with everything around it, but asks for no key and counts
//! nothing.
//!
//! The other servers have the same axum route, body, checks, answer, request id and log line. `plain` is our event store
//! with its followers, but asks for no key and seals nothing; `stock` is postgres-es, with nothing following it or with
//! the read model that it brings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{FromRef, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use clap::Parser;
use mobid::api::health;
use mobid::app::App;
use mobid::clock::Clock;
use mobid::config::{AdminListen, Config, LogFormat};
use mobid::event_store::{CommandContext, EventStore, Terms};
use mobid::http::body::{BodyArrival, JsonObject};
use mobid::http::connections::{Bounds, serve};
use mobid::http::envelope::{ApiResult, ok};
use mobid::http::error::ApiError;
use mobid::http::{request_id, router};
use mobid::server::{Database, Server};
use mobid::vault::MasterKey;
use mobid::{ids, telemetry};
use mobid_domain::consent::{Consent, ConsentCommand};
use mobid_domain::event::Decider as _;
use mobid_domain::stamped::Stamped;
use mobid_projections::projection::Follower;
use mobid_projections::registry;
use mobid_projections::stream::rebuild;
use mobid_projections::stream::runner::Runner;
use mobid_projections::stream::wake::Wake;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::process::MASTER_KEY;
use crate::route::{Caller, answer, parse};
use crate::sample::{Sample, consent_id};
use crate::stock::Stock;

const ROUTE: &str = "/v1/service/consents";

/// How this program is started by itself.
#[derive(Parser)]
pub enum Contestant {
    /// Our event store behind a bare route.
    Plain(Where),
    /// The product's health, without a key and limits.
    Open(Where),
    /// postgres-es behind the same route.
    Stock {
        #[command(flatten)]
        at: Where,
        #[arg(long)]
        connections: u32,
        #[arg(long)]
        read_model: bool,
    },
    /// Makes the rows of one projection again, as its follower would, and prints how many seconds it took.
    CatchUp {
        #[command(flatten)]
        at: Where,
        #[arg(long)]
        projection: String,
    },
}

#[derive(clap::Args)]
pub struct Where {
    #[arg(long)]
    database_url: String,
}

#[derive(Clone)]
struct Plain {
    store: EventStore,
    caller: Arc<Caller>,
}

#[derive(Clone)]
struct OnStock {
    stock: Stock,
    caller: Arc<Caller>,
}

/// As the server itself has it by default.
const ARRIVAL: BodyArrival = BodyArrival(Duration::from_secs(30));

impl FromRef<Plain> for BodyArrival {
    fn from_ref(_: &Plain) -> Self {
        ARRIVAL
    }
}

impl FromRef<OnStock> for BodyArrival {
    fn from_ref(_: &OnStock) -> Self {
        ARRIVAL
    }
}

pub async fn run(contestant: Contestant) -> Result<()> {
    match contestant {
        Contestant::CatchUp { at, projection } => catch_up(&at, &projection).await,
        Contestant::Plain(at) => plain(at).await,
        Contestant::Open(at) => open(at).await,
        Contestant::Stock { at, connections, read_model } => {
            on_postgres_es(at, connections, read_model).await
        }
    }
}

async fn plain(at: Where) -> Result<()> {
    behind(at, |app| {
        let state = Plain { store: app.store.clone(), caller: Arc::new(Caller::new()) };
        let routes = Router::new().route(ROUTE, post(on_our_store)).with_state(state);
        routes.route("/health/ready", ready()).layer(from_fn(named))
    })
    .await
}

async fn open(at: Where) -> Result<()> {
    behind(at, |app| {
        let routes = Router::new().nest("/v1", Router::new().route("/health", get(health::without_key)));
        router::surrounded(app, routes.route("/health/ready", get(health::ready)))
    })
    .await
}

/// Routes over all that the product starts.
async fn behind(at: Where, routes: impl FnOnce(&App) -> Router) -> Result<()> {
    telemetry::start_logs(LogFormat::Text);
    let metrics = telemetry::start_metrics()?;
    let config = Config {
        listen: ([127, 0, 0, 1], 0).into(),
        admin_listen: AdminListen::Off,
        database_url: Some(at.database_url),
        ..Config::default()
    };
    let database = Database::open(&config).await?;
    let master = MasterKey::from_base64(MASTER_KEY)?;
    let pool = database.pool.clone();
    let server = Server::start(config, Clock::system(), pool, master, Some(metrics)).await?;
    until_told(routes(&server.app)).await?;
    server.stop().await?;
    database.close().await
}

async fn on_postgres_es(at: Where, connections: u32, read_model: bool) -> Result<()> {
    telemetry::start_logs(LogFormat::Text);
    telemetry::start_metrics()?;
    let options = mobid::database::parse(&at.database_url)?;
    let sample = Arc::new(Sample::new()?);
    let stock = if read_model {
        Stock::with_read_model(options, connections, sample).await?
    } else {
        Stock::open(options, connections, sample).await?
    };
    let state = OnStock { stock, caller: Arc::new(Caller::new()) };
    let routes = Router::new().route(ROUTE, post(on_stock)).with_state(state);
    until_told(routes.route("/health/ready", ready()).layer(from_fn(named))).await
}

fn ready<S: Clone + Send + Sync + 'static>() -> MethodRouter<S> {
    get(|| async { ok("Ready", &"ready") })
}

/// Serves until its parent says so or is gone.
async fn until_told(routes: Router) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("listens on http://{}", listener.local_addr()?);
    let (stop, stopping) = watch::channel(false);
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let parent = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = parent => std::process::exit(1),
        }
        stop.send_replace(true);
    });
    serve(listener, routes, Bounds::of(&Config::default()), stopping).await;
    Ok(())
}

async fn named(request: Request, next: Next) -> Response {
    request_id::with_request_id(request, |request| next.run(request)).await
}

async fn on_our_store(State(plain): State<Plain>, JsonObject(object): JsonObject) -> ApiResult {
    let (new, id, context) = (parse(object)?, consent_id(), plain.caller.context());
    let command = ConsentCommand::Create(Box::new(new.create(&plain.caller, ids::new_id(), context.at)));
    let terms = Terms { new: true, ..Terms::default() };
    let executed = plain.store.execute::<Consent>(&id, command, &context, terms).await?;
    tracing::info!(target: "mobid::bench", consent = id, position = executed.appended.map(|a| a.position), "consent created");
    Ok(answer(&id, &executed.state, &new, context.at)?.version(executed.sequence))
}

async fn on_stock(State(on): State<OnStock>, JsonObject(object): JsonObject) -> ApiResult {
    let (new, id, context) = (parse(object)?, consent_id(), on.caller.context());
    let command = ConsentCommand::Create(Box::new(new.create(&on.caller, ids::new_id(), context.at)));
    on.stock.execute_as(&id, command.clone(), &context).await.map_err(|error| ApiError::internal(&*error))?;
    tracing::info!(target: "mobid::bench", consent = id, "consent created");
    // `execute` answers nothing; deciding once more is cheaper for it than reading the events back.
    Ok(answer(&id, &decided(&context, command)?, &new, context.at)?.version(1))
}

fn decided(context: &CommandContext, command: ConsentCommand) -> Result<Consent, ApiError> {
    let mut state = Consent::default();
    let stamped: Stamped<_> = context.stamp(command);
    for event in state.decide(&stamped).map_err(|error| ApiError::internal(&error))? {
        state.evolve(event);
    }
    Ok(state)
}

async fn catch_up(at: &Where, name: &str) -> Result<()> {
    let named = registry::projections().into_iter().find(|projection| projection.name() == name);
    let pool = mobid::database::connect(mobid::database::parse(&at.database_url)?, 4).await?;
    let projection = named.with_context(|| format!("there is no projection {name}"))?;
    rebuild::reset(&mut *pool.acquire().await?, projection.as_ref()).await?;
    let (mut runner, _) = Runner::new(pool, Follower::Projection(projection), &Wake::default());
    let began = Instant::now();
    runner.catch_up().await?;
    println!("{}", began.elapsed().as_secs_f64());
    Ok(())
}
