//! Beside the requests: finds Redis again when it was away, gives places back, and keeps those of requests that take
//! long.

use std::time::Duration;

use mobid_domain::client::Limits;
use mobid_domain::id::ClientId;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, RedisResult};
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::leases::MOST;
use super::link::Connection;
use super::{KEPT, RENEW, Shared, leases_key};

/// How often it looks for a Redis that is away.
const LOOK: Duration = Duration::from_millis(250);
/// How long connecting may take.
const CONNECT: Duration = Duration::from_secs(1);
/// Who it counts a request of, to see whether Redis does.
const NOBODY: ClientId = ClientId(Uuid::nil());
/// How often places are renewed: two renewals may fail before one is lost.
const EVERY: Duration = Duration::from_secs(3);

/// For as long as the runtime lives.
pub(super) async fn run(shared: Shared, client: redis::Client) {
    let (mut look, mut renewal) = (interval(LOOK), interval(EVERY));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    renewal.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for number in 0.. {
        look.tick().await;
        match connect(&client, &shared).await {
            Ok(redis) => shared.link.found(redis, number),
            Err(error) => {
                shared.link.not_found(&error, shared.clock.now());
                // By the time there is somebody to give them back to they are free.
                shared.leases.take_ended();
                continue;
            }
        }
        while let Some(connection) = shared.link.connection() {
            tokio::select! {
                () = shared.link.lost() => {}
                () = shared.leases.noted() => give_back(&shared, connection).await,
                _ = renewal.tick() => renew(&shared, connection).await,
            }
        }
    }
}

/// Found is only who does all that a request needs, as fast as a request needs it.
async fn connect(client: &redis::Client, shared: &Shared) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(shared.timeout));
    let mut redis = client.get_multiplexed_async_connection_with_config(&config).await?;
    RENEW.prepare_invoke().load_async(&mut redis).await?;
    shared.count(&mut redis, &shared.lease(NOBODY), Limits::NONE).await?;
    Ok(redis)
}

/// What could not be given back is tried again over the next connection, if that comes soon.
pub(super) async fn give_back(shared: &Shared, mut connection: Connection) {
    let ended = shared.leases.take_ended();
    if ended.is_empty() {
        return;
    }
    let mut pipe = redis::pipe();
    for (client, places) in &ended {
        for places in places.chunks(MOST) {
            let names: Vec<_> = places.iter().map(|place| shared.leases.name(*place)).collect();
            pipe.cmd("ZREM").arg(leases_key(*client)).arg(names).ignore();
        }
    }
    if let Err(error) = pipe.query_async::<()>(&mut connection.redis).await {
        shared.leases.put_back(ended);
        shared.link.failed(&connection, &error, shared.clock.now());
    }
}

async fn renew(shared: &Shared, mut connection: Connection) {
    for (client, places) in shared.leases.held() {
        for places in places.chunks(MOST) {
            let mut renewal = RENEW.key(leases_key(client));
            renewal.arg(shared.held_now()).arg(KEPT.as_micros().to_string());
            for place in places {
                renewal.arg(shared.leases.name(*place));
            }
            if let Err(error) = renewal.invoke_async::<()>(&mut connection.redis).await {
                shared.link.failed(&connection, &error, shared.clock.now());
                return;
            }
        }
    }
}
