//! For development: each message is a JSON file.

use std::path::Path;

use tokio::fs::{DirBuilder, OpenOptions};
use tokio::io::AsyncWriteExt;

use super::{Message, NotifierError};

pub async fn put(directory: &Path, message: &Message<'_>) -> Result<(), NotifierError> {
    // Codes and handles are for this account's eyes only.
    DirBuilder::new().recursive(true).mode(0o700).create(directory).await?;
    let name = crate::ids::new_id().to_string();
    let hidden = directory.join(format!(".{name}"));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&hidden).await?;
    file.write_all(&serde_json::to_vec_pretty(message)?).await?;
    file.flush().await?;
    // A reader sees a whole file or none.
    tokio::fs::rename(&hidden, directory.join(format!("{name}.json"))).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn only_the_servers_account_can_read_the_outbox() {
        let dir = tempfile::tempdir().unwrap();
        let message = Message {
            to: "+1234567890",
            channel: "sms",
            subject: String::new(),
            text: "123456 is your code".to_owned(),
            link: None,
            code: Some("123456".to_owned()),
            resource_id: "cs_1".to_owned(),
        };
        let outbox = dir.path().join("data/outbox");
        put(&outbox, &message).await.unwrap();
        let file = std::fs::read_dir(&outbox).unwrap().next().unwrap().unwrap().path();
        let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(outbox), mode(file)), (0o700, 0o600));
    }
}
