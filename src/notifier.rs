//! How links and codes reach a recipient.

use std::path::PathBuf;

use mobid_domain::handle::Handle;
use serde::Serialize;

use crate::config::Config;

/// A message to a recipient.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Message<'a> {
    pub to: &'a str,
    /// `sms` or `email`.
    pub channel: &'static str,
    pub subject: String,
    pub text: String,
    pub link: Option<String>,
    pub code: Option<String>,
    pub resource_id: String,
}

#[derive(Debug, thiserror::Error)]
pub enum NotifierError {
    #[error("the outbox cannot be written: {0}")]
    Outbox(#[from] std::io::Error),
    #[error("the message cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Where messages go.
#[derive(Debug, Clone)]
pub enum Notifier {
    /// For development: a JSON file each.
    Outbox(PathBuf),
}

impl Notifier {
    pub fn from_config(config: &Config) -> Self {
        Self::Outbox(config.data_dir.join("outbox"))
    }

    pub async fn send(&self, to: &Handle, message: Message<'_>) -> Result<(), NotifierError> {
        let message = Message { to: to.as_str(), channel: to.channel(), ..message };
        match self {
            Self::Outbox(directory) => {
                tokio::fs::create_dir_all(directory).await?;
                let name = crate::ids::new_id().to_string();
                let hidden = directory.join(format!(".{name}"));
                tokio::fs::write(&hidden, serde_json::to_vec_pretty(&message)?).await?;
                // A reader sees a whole file or none.
                tokio::fs::rename(&hidden, directory.join(format!("{name}.json"))).await?;
                Ok(())
            }
        }
    }
}
