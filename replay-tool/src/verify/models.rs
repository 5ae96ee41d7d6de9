//! What the rows of each read model are to hold, said once more from the state alone and not by the projection's
//! own code, which is what is being checked.

use cqrs_es::Aggregate;
use mobid_domain::consent::Consent;
use mobid_domain::device::{Device, Holder};
use mobid_domain::enrollment::Enrollment;
use mobid_domain::webhook::Endpoint;
use mobid_projections::stream::fold::Folded;
use mobid_projections::{consent, device, enrollment, webhook};
use serde_json::json;
use sqlx::PgConnection;

use super::rows::{Columns, Listed, ReadModel, Row};

impl ReadModel for Consent {
    const PROJECTION: &'static str = consent::apply::NAME;

    fn columns(folded: &Folded<Self>) -> serde_json::Result<Option<Columns>> {
        let Some(session) = folded.state.session() else { return Ok(None) };
        let mut columns = of_every_row(folded)?;
        columns.plain.push(("user_id", json!(session.request.user_id)));
        columns.plain.push(("status", json!(session.phase.recorded_status())));
        columns.plain.push(("purpose", json!(session.request.purpose)));
        columns.plain.push(("created_at", json!(session.created_at.timestamp_micros())));
        columns.plain.push(("expires_at", json!(session.request.expires_at.timestamp_micros())));
        Ok(Some(columns))
    }

    async fn rows(conn: &mut PgConnection, ids: &[String]) -> anyhow::Result<Vec<Row>> {
        let rows = sqlx::query!(
            r#"select c.id as "id!", c.tenant as "tenant!", c.user_id as "user_id!", c.status as "status!",
                      c.purpose as "purpose!", c.created_at as "created_at!", c.expires_at as "expires_at!",
                      c.sequence as "sequence!", c.position as "position!", c.state::text as "state!"
               from unnest($1::text[]) as u(id) cross join lateral (select * from consents c where c.id = u.id) c"#,
            ids
        )
        .fetch_all(conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let plain = vec![
                    ("tenant", json!(row.tenant)),
                    ("sequence", json!(row.sequence)),
                    ("position", json!(row.position)),
                    ("user_id", json!(row.user_id)),
                    ("status", json!(row.status)),
                    ("purpose", json!(row.purpose)),
                    ("created_at", json!(row.created_at.timestamp_micros())),
                    ("expires_at", json!(row.expires_at.timestamp_micros())),
                ];
                Ok(Row { id: row.id, position: row.position, columns: Columns { plain, state: row.state } })
            })
            .collect()
    }

    async fn page(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
        sqlx::query_as!(
            Listed,
            r#"select r.id, r.position, exists (
                   select 1 from events e where e.aggregate_type = $3 and e.aggregate_id = r.id) as "has_events!"
               from consents r where r.id > $1 order by r.id limit $2"#,
            after,
            limit,
            Self::TYPE
        )
        .fetch_all(conn)
        .await
    }
}

impl ReadModel for Device {
    const PROJECTION: &'static str = device::apply::NAME;

    fn columns(folded: &Folded<Self>) -> serde_json::Result<Option<Columns>> {
        let Some(known) = folded.state.known() else { return Ok(None) };
        let (Holder::ClientUser { user_id, .. } | Holder::Person { user_id, .. }) = known.holder;
        let mut columns = of_every_row(folded)?;
        columns.plain.push(("user_id", json!(user_id)));
        columns.plain.push(("status", json!(known.status().as_str())));
        columns.plain.push(("registered_at", json!(known.registered_at.timestamp_micros())));
        Ok(Some(columns))
    }

    async fn rows(conn: &mut PgConnection, ids: &[String]) -> anyhow::Result<Vec<Row>> {
        let rows = sqlx::query!(
            r#"select r.id as "id!", r.tenant as "tenant!", r.user_id as "user_id!", r.status as "status!",
                      r.registered_at as "registered_at!", r.sequence as "sequence!", r.position as "position!",
                      r.state::text as "state!"
               from unnest($1::text[]) as u(id) cross join lateral (select * from devices r where r.id = u.id) r"#,
            ids
        )
        .fetch_all(conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let plain = vec![
                    ("tenant", json!(row.tenant)),
                    ("sequence", json!(row.sequence)),
                    ("position", json!(row.position)),
                    ("user_id", json!(row.user_id)),
                    ("status", json!(row.status)),
                    ("registered_at", json!(row.registered_at.timestamp_micros())),
                ];
                Ok(Row { id: row.id, position: row.position, columns: Columns { plain, state: row.state } })
            })
            .collect()
    }

    async fn page(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
        sqlx::query_as!(
            Listed,
            r#"select r.id, r.position, exists (
                   select 1 from events e where e.aggregate_type = $3 and e.aggregate_id = r.id) as "has_events!"
               from devices r where r.id > $1 order by r.id limit $2"#,
            after,
            limit,
            Self::TYPE
        )
        .fetch_all(conn)
        .await
    }
}

impl ReadModel for Enrollment {
    const PROJECTION: &'static str = enrollment::apply::NAME;

    fn columns(folded: &Folded<Self>) -> serde_json::Result<Option<Columns>> {
        let Some(session) = folded.state.session() else { return Ok(None) };
        let mut columns = of_every_row(folded)?;
        let user_id = session.enrolled.map_or(session.request.user_id, |enrolled| enrolled.user_id);
        columns.plain.push(("user_id", json!(user_id)));
        columns.plain.push(("status", json!(session.phase.recorded_status())));
        columns.plain.push(("created_at", json!(session.created_at.timestamp_micros())));
        columns.plain.push(("expires_at", json!(session.request.expires_at.timestamp_micros())));
        Ok(Some(columns))
    }

    async fn rows(conn: &mut PgConnection, ids: &[String]) -> anyhow::Result<Vec<Row>> {
        let rows = sqlx::query!(
            r#"select r.id as "id!", r.tenant as "tenant!", r.user_id as "user_id!", r.status as "status!",
                      r.created_at as "created_at!", r.expires_at as "expires_at!", r.sequence as "sequence!",
                      r.position as "position!", r.state::text as "state!"
               from unnest($1::text[]) as u(id)
               cross join lateral (select * from enrollments r where r.id = u.id) r"#,
            ids
        )
        .fetch_all(conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let plain = vec![
                    ("tenant", json!(row.tenant)),
                    ("sequence", json!(row.sequence)),
                    ("position", json!(row.position)),
                    ("user_id", json!(row.user_id)),
                    ("status", json!(row.status)),
                    ("created_at", json!(row.created_at.timestamp_micros())),
                    ("expires_at", json!(row.expires_at.timestamp_micros())),
                ];
                Ok(Row { id: row.id, position: row.position, columns: Columns { plain, state: row.state } })
            })
            .collect()
    }

    async fn page(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
        sqlx::query_as!(
            Listed,
            r#"select r.id, r.position, exists (
                   select 1 from events e where e.aggregate_type = $3 and e.aggregate_id = r.id) as "has_events!"
               from enrollments r where r.id > $1 order by r.id limit $2"#,
            after,
            limit,
            Self::TYPE
        )
        .fetch_all(conn)
        .await
    }
}

impl ReadModel for Endpoint {
    const PROJECTION: &'static str = webhook::apply::NAME;

    fn columns(folded: &Folded<Self>) -> serde_json::Result<Option<Columns>> {
        let Some(registration) = folded.state.registration() else { return Ok(None) };
        let mut columns = of_every_row(folded)?;
        columns.plain.push(("status", json!(registration.status.as_str())));
        columns.plain.push(("created_at", json!(registration.created_at.timestamp_micros())));
        Ok(Some(columns))
    }

    async fn rows(conn: &mut PgConnection, ids: &[String]) -> anyhow::Result<Vec<Row>> {
        let rows = sqlx::query!(
            r#"select r.id as "id!", r.tenant as "tenant!", r.status as "status!", r.created_at as "created_at!",
                      r.sequence as "sequence!", r.position as "position!", r.state::text as "state!"
               from unnest($1::text[]) as u(id)
               cross join lateral (select * from webhook_endpoints r where r.id = u.id) r"#,
            ids
        )
        .fetch_all(conn)
        .await?;
        rows.into_iter()
            .map(|row| {
                let plain = vec![
                    ("tenant", json!(row.tenant)),
                    ("sequence", json!(row.sequence)),
                    ("position", json!(row.position)),
                    ("status", json!(row.status)),
                    ("created_at", json!(row.created_at.timestamp_micros())),
                ];
                Ok(Row { id: row.id, position: row.position, columns: Columns { plain, state: row.state } })
            })
            .collect()
    }

    async fn page(conn: &mut PgConnection, after: &str, limit: i64) -> Result<Vec<Listed>, sqlx::Error> {
        sqlx::query_as!(
            Listed,
            r#"select r.id, r.position, exists (
                   select 1 from events e where e.aggregate_type = $3 and e.aggregate_id = r.id) as "has_events!"
               from webhook_endpoints r where r.id > $1 order by r.id limit $2"#,
            after,
            limit,
            Self::TYPE
        )
        .fetch_all(conn)
        .await
    }
}

fn of_every_row<A: Aggregate>(folded: &Folded<A>) -> serde_json::Result<Columns> {
    let plain = vec![
        ("tenant", json!(folded.tenant)),
        ("sequence", json!(folded.sequence)),
        ("position", json!(folded.position)),
    ];
    Ok(Columns { plain, state: serde_json::to_string(&folded.state)? })
}
