//! The role and the database of the server. Each step looks first, so that a start cut short is finished by the next.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{Connection as _, Executor as _};

use super::error::EmbeddedPostgresError;

/// Makes the login role `name`, which is no superuser, and the database `name`, which it owns.
pub(super) async fn role_and_database(
    superuser: PgConnectOptions,
    name: &'static str,
) -> Result<(), EmbeddedPostgresError> {
    let make = async {
        let mut connection = PgConnection::connect_with(&superuser).await?;
        let exists = "select exists (select from pg_roles where rolname = $1)";
        if !exists_in(&mut connection, exists, name).await? {
            connection.execute(format!(r#"create role "{name}" login"#).as_str()).await?;
        }
        let exists = "select exists (select from pg_database where datname = $1)";
        if !exists_in(&mut connection, exists, name).await? {
            connection.execute(format!(r#"create database "{name}" owner "{name}""#).as_str()).await?;
        }
        connection.close().await
    };
    make.await.map_err(EmbeddedPostgresError::Bootstrap)
}

async fn exists_in(connection: &mut PgConnection, question: &str, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar(question).bind(name).fetch_one(connection).await
}
