//! Logs and metrics.
//!
//! Never a phone number, key, token or payload: our own lines keep to that, and what libraries would say at debug or
//! trace (host names dialled, bytes read) is not let through, whatever the filter asks for.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
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
