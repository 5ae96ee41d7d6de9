//! Logs and metrics.
//!
//! Never a phone number, key, token or payload: our own lines keep to that, and what libraries would say at debug or
//! trace (host names dialled, bytes read) is not let through, whatever the filter asks for.

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::watch;
use tracing::{Level, Metadata};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, filter};

use crate::config::LogFormat;

/// Buckets of histograms of seconds.
const LATENCIES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];
/// Buckets of histograms of commands in a batch.
const SIZES: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Starts logging to stderr; `RUST_LOG` narrows or widens, as far as our own modules go.
pub fn start_logs(format: LogFormat) {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let discreet = filter::filter_fn(is_discreet);
    let colours = std::io::stderr().is_terminal();
    let stderr = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(colours);
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
    Ok(PrometheusBuilder::new()
        .set_buckets(&LATENCIES)?
        .set_buckets_for_metric(Matcher::Suffix("_commands".to_owned()), &SIZES)?
        .install_recorder()?)
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
