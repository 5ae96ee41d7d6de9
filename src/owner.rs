//! The owner client, made at the first start.

use std::path::{Path, PathBuf};

use mobid_domain::client::{Client, ClientCommand, ClientError, ClientEvent, Created, Permission, Plan};
use mobid_domain::id::ClientId;

use crate::app::App;
use crate::event_store::{Claim, CommandContext, ExecuteError, Terms};
use crate::http::authentication::{ApiKey, KEY_CLAIM};
use crate::key_file;
use crate::vault::{Place, Subject, VaultError};

/// There is one owner.
const OWNER_CLAIM: &str = "owner";
const OWNER: &[u8] = b"owner";

#[derive(Debug, thiserror::Error)]
pub enum OwnerError {
    #[error("the owner's key files: {0}")]
    File(#[from] std::io::Error),
    #[error("{0} does not hold what it should")]
    Malformed(PathBuf),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Store(#[from] ExecuteError<ClientError>),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Where the owner's key is kept.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("owner.key")
}

/// Where the secret is kept that signs deliveries to a `callbackUrl` of the owner's.
pub fn callback_secret_path(data_dir: &Path) -> PathBuf {
    data_dir.join("owner.callback-secret")
}

/// The owner's key from its file, if there is one.
pub fn read(data_dir: &Path) -> Result<Option<ApiKey>, OwnerError> {
    let path = path(data_dir);
    match key_file::read(&path)? {
        None => Ok(None),
        Some(text) => ApiKey::parse(text.trim()).map(Some).ok_or(OwnerError::Malformed(path)),
    }
}

/// Makes the owner if the log has none; answers its key if it was made now.
///
/// Its secrets are in their files before the client is in the log, so a crash in between loses nothing: the next start
/// takes the same ones.
pub async fn ensure(app: &App) -> Result<Option<ApiKey>, OwnerError> {
    if app.store.holder_of(OWNER_CLAIM, OWNER).await?.is_some() {
        return Ok(None);
    }
    let (path, secret_path) = (path(&app.config.data_dir), callback_secret_path(&app.config.data_dir));
    key_file::write_new(&path, ApiKey::random().reveal())?;
    key_file::write_new(&secret_path, &crate::secret::webhook_secret())?;
    // What is in the file, be it ours, an earlier start's that did not get further, or another instance's.
    let key = read(&app.config.data_dir)?.ok_or(OwnerError::Malformed(path.clone()))?;
    let secret = key_file::read(&secret_path)?.ok_or(OwnerError::Malformed(secret_path.clone()))?;
    match create(app, &key, secret.trim()).await {
        Ok(()) => Ok(Some(key)),
        // Another instance was first. Unless it took this very key, the key in our file is nobody's.
        Err(OwnerError::Store(ExecuteError::Claimed(_))) => {
            if app.keys.authenticate(key.reveal()).await.is_err() {
                std::fs::remove_file(path)?;
                std::fs::remove_file(secret_path)?;
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn create(app: &App, key: &ApiKey, callback_secret: &str) -> Result<(), OwnerError> {
    let (client_id, at) = (ClientId(crate::ids::new_id()), app.clock.now());
    let id = client_id.to_string();
    let place = Place {
        tenant: client_id,
        aggregate_id: &id,
        event_type: ClientEvent::CREATED,
        field: "callbackSecret",
    };
    let data_key = app.vault.key_or_new(client_id, Subject::Tenant).await?;
    let created = Created {
        client_id,
        name: "Owner".to_owned(),
        plan: Plan::Enterprise,
        permissions: Permission::ALL.to_vec(),
        key: key.recorded(),
        callback_secret: data_key.seal(&place, callback_secret.as_bytes()).map_err(VaultError::from)?,
        rp_id: Some("localhost".to_owned()),
        origins: vec![app.config.public_origin()],
        callback_hosts: vec![],
        owner: true,
        at,
    };
    let claims = vec![
        Claim { kind: OWNER_CLAIM, key: OWNER.to_vec() },
        Claim { kind: KEY_CLAIM, key: key.hash().to_vec() },
    ];
    let context = CommandContext::system("first_start", client_id, at, None);
    let terms = Terms { new: true, claims, ..Terms::default() };
    app.store
        .execute::<Client>(
            &id,
            ClientCommand::Create { created: Box::new(created), limits: None },
            &context,
            terms,
        )
        .await?;
    Ok(())
}
