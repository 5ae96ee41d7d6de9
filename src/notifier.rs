//! How links and codes reach a recipient.

use std::path::PathBuf;

use mobid_domain::handle::Handle;
use serde::Serialize;
use tokio::fs::{DirBuilder, OpenOptions};
use tokio::io::AsyncWriteExt;

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
                // Codes and handles are for this account's eyes only.
                DirBuilder::new().recursive(true).mode(0o700).create(directory).await?;
                let name = crate::ids::new_id().to_string();
                let hidden = directory.join(format!(".{name}"));
                let mut file =
                    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&hidden).await?;
                file.write_all(&serde_json::to_vec_pretty(&message)?).await?;
                file.flush().await?;
                // A reader sees a whole file or none.
                tokio::fs::rename(&hidden, directory.join(format!("{name}.json"))).await?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn only_the_servers_account_can_read_the_outbox() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().join("data"), ..Config::default() };
        let message = Message {
            to: "",
            channel: "",
            subject: String::new(),
            text: "123456 is your code".to_owned(),
            link: None,
            code: Some("123456".to_owned()),
            resource_id: "cs_1".to_owned(),
        };
        Notifier::from_config(&config).send(&"+1234567890".parse().unwrap(), message).await.unwrap();
        let outbox = config.data_dir.join("outbox");
        let file = std::fs::read_dir(&outbox).unwrap().next().unwrap().unwrap().path();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(outbox), mode(file)), (0o700, 0o600));
    }
}
