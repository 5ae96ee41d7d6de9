//! Stock postgres-es: the same aggregate, events and metadata through `CqrsFramework::execute`, in the table that its
//! documentation gives, without any query behind it.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use cqrs_es::AggregateError;
use mobid::event_store::CommandContext;
use mobid_domain::consent::{Consent, ConsentCommand};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

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
)";

#[derive(Clone)]
pub struct Stock {
    cqrs: Arc<PostgresCqrs<Consent>>,
    sample: Arc<Sample>,
}

/// Makes its table.
pub async fn prepare(options: &PgConnectOptions) -> Result<()> {
    let mut conn = options.connect().await?;
    conn.execute(SCHEMA).await?;
    Ok(conn.close().await?)
}

impl Stock {
    pub async fn open(options: PgConnectOptions, connections: u32, sample: Arc<Sample>) -> Result<Self> {
        let options = options.disable_statement_logging();
        let pool = PgPoolOptions::new().max_connections(connections).connect_with(options).await?;
        Ok(Self { cqrs: Arc::new(postgres_cqrs(pool, vec![], ())), sample })
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
        let metadata: HashMap<_, _> = context.metadata().0.into_iter().collect();
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
