//! Logs and metrics.
//!
//! Never a phone number, key, token or payload: our own lines keep to that, and what libraries would say at debug or
//! trace (host names dialled, bytes read) is not let through, whatever the filter asks for.

use std::time::Duration;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tokio::sync::watch;
use tracing::{Level, Metadata};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, filter};

use crate::config::LogFormat;

/// Starts logging to stderr; `RUST_LOG` narrows or widens, as far as our own modules go.
pub fn start_logs(format: LogFormat) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let discreet = filter::filter_fn(is_discreet);
    let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = match format {
        LogFormat::Text => stderr.boxed(),
        LogFormat::Json => stderr.json().flatten_event(true).boxed(),
    };
    // A second start, as tests may make, keeps the first one's output.
    let _ = tracing_subscriber::registry().with(wanted).with(layer.with_filter(discreet)).try_init();
}

fn is_discreet(metadata: &Metadata<'_>) -> bool {
    let ours = metadata.target().starts_with("mobid");
    ours || *metadata.level() <= Level::WARN
}

/// Starts collecting metrics; the handle renders them.
pub fn start_metrics() -> anyhow::Result<PrometheusHandle> {
    Ok(PrometheusBuilder::new().install_recorder()?)
}

/// How often what was measured is added up.
const ADDED_UP: Duration = Duration::from_secs(5);

/// Adds up what the histograms have gathered, until stopped: otherwise they keep each single value until somebody asks
/// for the metrics, which may be never.
pub async fn keep_small(metrics: PrometheusHandle, mut stop: watch::Receiver<bool>) {
    while tokio::time::timeout(ADDED_UP, stop.wait_for(|stop| *stop)).await.is_err() {
        metrics.run_upkeep();
    }
}
