//! placeholder
use crate::app::App;
use tokio::sync::watch;
pub struct Sender;
impl Sender {
    pub fn new(_: App) -> anyhow::Result<Self> {
        Ok(Self)
    }
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let _ = stop.wait_for(|s| *s).await;
    }
}
