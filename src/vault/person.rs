//! Persons as clients see them, found or made together for all who address somebody at the same time: a new person's
//! id and key are durable before anything is sealed, and one commit makes many durable.

use std::collections::HashMap;

use mobid_projections::stream::warm::Warm;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::rounds::Rounds;

/// Persons that one round looks for at the most.
const ROUND: usize = 256;

/// Whom to find, and who it shall be if this client never addressed them.
pub struct Asked {
    pub tenant: String,
    pub handle_hash: [u8; 32],
    pub fresh: String,
    pub key_id: Uuid,
    pub wrapped: Vec<u8>,
}

/// Who it is, and their wrapped key if it is not the fresh one.
#[derive(Debug, Clone)]
pub struct Known {
    pub user_id: String,
    pub key: Option<(Uuid, Vec<u8>)>,
}

/// Answers `None` where somebody else made the person meanwhile: they are found the next time.
pub fn start(pool: PgPool) -> Rounds<Asked, Option<Known>> {
    let warm = Warm::new(pool);
    Rounds::start(1, ROUND, move |asked| {
        let warm = warm.clone();
        async move {
            let mut conn = warm.take().await?;
            let known = find_or_make(&mut conn, asked).await?;
            warm.keep(conn);
            Ok(known)
        }
    })
}

async fn find_or_make(conn: &mut PgConnection, asked: Vec<Asked>) -> Result<Vec<Option<Known>>, sqlx::Error> {
    let tenants: Vec<_> = asked.iter().map(|asked| asked.tenant.as_str()).collect();
    let hashes: Vec<_> = asked.iter().map(|asked| &asked.handle_hash[..]).collect();
    let fresh: Vec<_> = asked.iter().map(|asked| asked.fresh.as_str()).collect();
    let key_ids: Vec<_> = asked.iter().map(|asked| asked.key_id).collect();
    let wrapped: Vec<_> = asked.iter().map(|asked| asked.wrapped.as_slice()).collect();
    // One statement, so a person never has an id without a key.
    let rows = sqlx::query!(
        r#"with asked as (
               select * from unnest($1::text[], $2::bytea[], $3::text[], $4::uuid[], $5::bytea[])
                   with ordinality as a(tenant, handle_hash, fresh, key_id, wrapped, ord)
           ), known as (
               select a.ord, s.user_id, k.key_id, k.wrapped
               from asked a
               cross join lateral (
                   select s.user_id from vault_subjects s
                   where s.tenant = a.tenant and s.handle_hash = a.handle_hash limit 1
               ) s
               left join lateral (
                   select k.key_id, k.wrapped from vault_keys k
                   where k.tenant = a.tenant and k.subject = s.user_id limit 1
               ) k on true
           ), made as (
               insert into vault_subjects (tenant, handle_hash, user_id)
               select a.tenant, a.handle_hash, a.fresh from asked a
               where not exists (select from known where known.ord = a.ord)
               order by a.tenant, a.handle_hash
               on conflict do nothing returning user_id
           ), keys as (
               insert into vault_keys (key_id, tenant, subject, wrapped)
               select a.key_id, a.tenant, a.fresh, a.wrapped from made join asked a on a.fresh = made.user_id
           )
           select a.ord as "ord!", a.fresh as "user_id!", null::uuid as key_id, null::bytea as wrapped
           from made join asked a on a.fresh = made.user_id
           union all
           select ord, user_id, key_id, wrapped from known"#,
        &tenants as _,
        &hashes as _,
        &fresh as _,
        &key_ids,
        &wrapped as _,
    )
    .fetch_all(conn)
    .await?;
    let mut known: HashMap<usize, Known> = rows
        .into_iter()
        .map(|row| {
            let key = row.key_id.zip(row.wrapped);
            (usize::try_from(row.ord).unwrap_or(0), Known { user_id: row.user_id, key })
        })
        .collect();
    Ok((1..=asked.len()).map(|ord| known.remove(&ord)).collect())
}
