//! Who a person was to clients under a handle that leads to somebody else now.

use mobid_domain::handle::Handle;
use mobid_domain::id::{ClientId, PersonId, UserId};

use super::{SealError, Vault, VaultError};

impl Vault {
    /// Ends what a handle leads to with these clients: from here on it leads to ids that nobody had, and what was
    /// addressed before stays the person's.
    pub async fn part(
        &self,
        handle: &Handle,
        person: PersonId,
        tenants: &[ClientId],
    ) -> Result<(), VaultError> {
        let hashes: Vec<_> = tenants.iter().map(|tenant| self.handle_hash(*tenant, handle)).collect();
        let bytes: Vec<_> = hashes.iter().map(|hash| hash.to_vec()).collect();
        let names: Vec<_> = tenants.iter().map(ToString::to_string).collect();
        sqlx::query!(
            "with parted as (
                 delete from vault_subjects s
                 using unnest($1::text[], $2::bytea[]) as u(tenant, handle_hash)
                 where s.tenant = u.tenant and s.handle_hash = u.handle_hash
                 returning s.tenant, s.user_id
             )
             insert into vault_former_subjects (person_id, tenant, user_id)
             select $3, tenant, user_id from parted
             on conflict do nothing",
            &names,
            &bytes,
            person.to_string()
        )
        .execute(&self.pool)
        .await?;
        for hash in &hashes {
            self.users.invalidate(hash);
        }
        Ok(())
    }

    /// Who a person was to a client under a handle that they hold no more.
    pub async fn former(&self, person: PersonId, tenant: ClientId) -> Result<Option<UserId>, VaultError> {
        let found = sqlx::query_scalar!(
            "select user_id from vault_former_subjects where person_id = $1 and tenant = $2 order by user_id limit 1",
            person.to_string(),
            tenant.to_string()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.map(|id| id.parse().map_err(|_| SealError::Malformed)).transpose()?)
    }

    /// Whether a client knew this person as this user once.
    pub async fn was(&self, person: PersonId, tenant: ClientId, user: UserId) -> Result<bool, VaultError> {
        let found = sqlx::query_scalar!(
            r#"select true as "found!" from vault_former_subjects
               where tenant = $1 and user_id = $2 and person_id = $3"#,
            tenant.to_string(),
            user.to_string(),
            person.to_string()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(found.is_some())
    }
}
