//! placeholder
use crate::app::App;
use tokio::sync::watch;
pub async fn run(_app: App, mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|s| *s).await;
}
