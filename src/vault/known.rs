//! Who a person is to clients: to those who addressed their handle, and to those who had before it led to somebody else.

use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, PersonId, UserId};

use super::{SealError, Vault, VaultError};

/// A client, and who somebody is to it.
pub type Known = (ClientId, UserId);

impl Vault {
    /// As whom each of these clients knows whoever has the handle, as far as they ever addressed it.
    pub async fn known_by(&self, tenants: &[ClientId], handle: &Handle) -> Result<Vec<Known>, VaultError> {
        let hashes: Vec<_> =
            tenants.iter().map(|tenant| self.handle_hash(*tenant, handle).to_vec()).collect();
        let names: Vec<_> = tenants.iter().map(ToString::to_string).collect();
        let rows = sqlx::query!(
            r#"select s.tenant as "tenant!", s.user_id as "user_id!"
               from unnest($1::text[], $2::bytea[]) as asked(tenant, handle_hash)
               cross join lateral (
                   select s.tenant, s.user_id from vault_subjects s
                   where s.tenant = asked.tenant and s.handle_hash = asked.handle_hash limit 1
               ) s"#,
            &names,
            &hashes
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| known(&row.tenant, &row.user_id)).collect()
    }

    /// As whom clients knew a person by a handle that leads to somebody else now.
    pub async fn formerly_known_by(&self, person: PersonId) -> Result<Vec<Known>, VaultError> {
        let rows = sqlx::query!(
            "select tenant, user_id from vault_former_subjects where person_id = $1",
            person.to_string()
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| known(&row.tenant, &row.user_id)).collect()
    }
}

fn known(tenant: &str, user: &str) -> Result<Known, VaultError> {
    let tenant = tenant.parse().map_err(|_| SealError::Malformed)?;
    Ok((tenant, user.parse().map_err(|_| SealError::Malformed)?))
}
