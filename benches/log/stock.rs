//! Stock postgres-es: the same aggregate, events and metadata through `CqrsFramework::execute`, in the tables that its
//! documentation gives; without any query behind it, or with the one that it brings, which keeps each consent's state.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use cqrs_es::persist::GenericQuery;
use cqrs_es::{AggregateError, EventEnvelope, View};
use mobid::event_store::CommandContext;
use mobid_domain::consent::{Consent, ConsentCommand};
use mobid_domain::recorded::Metadata;
use postgres_es::{PostgresCqrs, PostgresViewRepository, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, PgPool};

use crate::drive::Done;
use crate::sample::Sample;

/// How often a command that lost is sent again: as often as our own store decides one again.
const ATTEMPTS: usize = 16;

/// Of postgres-es' `db/init.sql`.
const SCHEMA: &str = "
create table events (
    aggregate_type text                         not null,
    aggregate_id   text                         not null,
    sequence       bigint check (sequence >= 0) not null,
    event_type     text                         not null,
    event_version  text                         not null,
    payload        json                         not null,
    metadata       json                         not null,
    primary key (aggregate_type, aggregate_id, sequence)
);
create table consents (
    view_id text                        not null,
    version bigint check (version >= 0) not null,
    payload json                        not null,
    primary key (view_id)
)";

/// A row of its read model: the state, as ours has it.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept(Consent);

impl View<Consent> for Kept {
    fn update(&mut self, event: &EventEnvelope<Consent>) {
        self.0.evolve(event.payload.clone());
    }
}

#[derive(Clone)]
pub struct Stock {
    cqrs: Arc<PostgresCqrs<Consent>>,
    sample: Arc<Sample>,
}

/// Makes its tables.
pub async fn prepare(options: &PgConnectOptions) -> Result<()> {
    let mut conn = options.connect().await?;
    conn.execute(SCHEMA).await?;
    Ok(conn.close().await?)
}

async fn pool(options: PgConnectOptions, connections: u32) -> Result<PgPool> {
    let options = options.disable_statement_logging();
    Ok(PgPoolOptions::new().max_connections(connections).connect_with(options).await?)
}

impl Stock {
    /// Without a read model.
    pub async fn open(options: PgConnectOptions, connections: u32, sample: Arc<Sample>) -> Result<Self> {
        let pool = pool(options, connections).await?;
        Ok(Self { cqrs: Arc::new(postgres_cqrs(pool, vec![], ())), sample })
    }

    pub async fn with_read_model(
        options: PgConnectOptions,
        connections: u32,
        sample: Arc<Sample>,
    ) -> Result<Self> {
        let pool = pool(options, connections).await?;
        let rows: PostgresViewRepository<Kept, Consent> =
            PostgresViewRepository::new("consents", pool.clone());
        let mut query = GenericQuery::new(Arc::new(rows));
        query.use_error_handler(Box::new(|error| panic!("its read model fell behind: {error}")));
        Ok(Self { cqrs: Arc::new(postgres_cqrs(pool, vec![Box::new(query)], ())), sample })
    }

    pub async fn create(&self, id: &str) -> Result<Done> {
        self.execute(id, self.sample.create()).await
    }

    pub async fn update(&self, id: &str) -> Result<Done> {
        self.execute(id, self.sample.update()).await
    }

    async fn execute(&self, id: &str, command: ConsentCommand) -> Result<Done> {
        self.execute_as(id, command, &self.sample.context()).await
    }

    /// As often as it takes, up to a bound.
    pub async fn execute_as(
        &self,
        id: &str,
        command: ConsentCommand,
        context: &CommandContext,
    ) -> Result<Done> {
        let metadata = metadata(context);
        for _ in 0..ATTEMPTS {
            let stamped = context.stamp(command.clone());
            match self.cqrs.execute_with_metadata(id, stamped, metadata.clone()).await {
                Ok(()) => return Ok(Done::Well),
                Err(AggregateError::AggregateConflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Done::GivenUp)
    }
}

/// The same that our events have.
fn metadata(context: &CommandContext) -> HashMap<String, String> {
    let held: Vec<_> = context.permissions.iter().map(|permission| permission.as_str()).collect();
    let mut fields = HashMap::from([
        (Metadata::COMMAND_ID, context.command_id.to_string()),
        (Metadata::REQUEST_ID, context.request_id.clone()),
        (Metadata::ACTOR_KIND, context.actor.kind().to_owned()),
        (Metadata::ACTOR_ID, context.actor.id()),
        (Metadata::PERMISSIONS, held.join(" ")),
    ]);
    fields.extend(context.key_id.map(|key_id| (Metadata::KEY_ID, key_id.to_string())));
    fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
