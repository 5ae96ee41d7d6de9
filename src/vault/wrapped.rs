//! Wrapped keys, read together by all who ask at the same time.

use sqlx::PgPool;
use uuid::Uuid;

use crate::rounds::Rounds;

/// Keys that one round looks for at the most.
const ROUND: usize = 256;

/// Whose key: a tenant, and one of its subjects.
pub type Of = (String, String);
/// A key's id and the key, wrapped by the master key.
pub type Wrapped = (Uuid, Vec<u8>);

/// Answers `None` for who never had a key, and for whose it was destroyed.
pub fn start(pool: PgPool) -> Rounds<Of, Option<Wrapped>> {
    Rounds::start(2, ROUND, move |asked| {
        let pool = pool.clone();
        async move { read(&pool, asked).await }
    })
}

async fn read(pool: &PgPool, asked: Vec<Of>) -> Result<Vec<Option<Wrapped>>, sqlx::Error> {
    let mut found = vec![None; asked.len()];
    let (tenants, subjects): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
    let rows = sqlx::query!(
        r#"select a.ord as "ord!", k.key_id as "key_id!", k.wrapped as "wrapped!"
           from unnest($1::text[], $2::text[]) with ordinality as a(tenant, subject, ord)
           cross join lateral (
               select k.key_id, k.wrapped from vault_keys k
               where k.tenant = a.tenant and k.subject = a.subject limit 1
           ) k"#,
        &tenants,
        &subjects
    )
    .fetch_all(pool)
    .await?;
    for row in rows {
        let place = usize::try_from(row.ord - 1).ok();
        if let Some(place) = place.and_then(|place| found.get_mut(place)) {
            *place = Some((row.key_id, row.wrapped));
        }
    }
    Ok(found)
}
