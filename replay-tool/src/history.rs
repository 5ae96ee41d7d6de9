//! `replay-tool history <id>`: what happened to one thing, event by event, with the leaf that proves each.

use anyhow::Context;
use chrono::{DateTime, Utc};
use mobid_domain::leaf::{hex, leaf};
use mobid_domain::recorded::{Metadata, Recorded};
use mobid_projections::stream::reader;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::kind::Kind;
use crate::{Outcome, database, output};

/// Show what happened to a consent, device, login, enrollment, QR code, report, webhook endpoint or client.
///
/// One line for each event, oldest first. `at` is when it was so, `recordedAt` when the database took it in; the two
/// differ where a deadline was swept late. `payload` is what is stored, sealed values included. `leaf` is the
/// event's entry in the transparency log, in hex.
#[derive(clap::Args)]
pub struct Args {
    /// The id: `cs_…` a consent, `dev_…` a device, `lgn_…` a login, `enr_…` an enrollment, `qr_…` a QR code, `rpt_…`
    /// a report of abuse, `we_…` a webhook endpoint, `cl_…` a client.
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    position: i64,
    sequence: i64,
    #[serde(rename = "type")]
    event_type: &'a str,
    version: &'a str,
    event_id: Uuid,
    at: Option<DateTime<Utc>>,
    recorded_at: DateTime<Utc>,
    tenant: &'a str,
    actor: Giver<'a>,
    command_id: Option<&'a str>,
    request_id: Option<&'a str>,
    payload: Box<RawValue>,
    leaf: String,
}

#[derive(Serialize)]
struct Giver<'a> {
    kind: Option<&'a str>,
    id: Option<&'a str>,
}

/// All that is read of a payload, so that a history can be shown of events that no longer decode.
#[derive(Deserialize)]
struct Timed {
    data: At,
}

#[derive(Deserialize)]
struct At {
    at: DateTime<Utc>,
}

pub async fn run(args: Args, url: &str) -> anyhow::Result<Outcome> {
    let kind = Kind::of_id(&args.id).with_context(|| {
        let kinds = "consent (cs_…), device (dev_…), login (lgn_…), endpoint (we_…) or client (cl_…)";
        format!("{:?} is no id of a {kinds}", args.id)
    })?;
    let mut conn = database::open_read_only(url).await?;
    let log_id = reader::log_id(&mut conn).await?;
    let events = reader::of_aggregate(&mut conn, kind.aggregate_type(), &args.id, 0).await?;
    if events.is_empty() {
        eprintln!("replay-tool: the log has no event of {}", args.id);
        return Ok(Outcome::Findings);
    }
    for event in &events {
        print(log_id, event)?;
    }
    Ok(Outcome::Clean)
}

fn print(log_id: Uuid, event: &Recorded) -> anyhow::Result<()> {
    let metadata = event.metadata().unwrap_or_default();
    let timed: Option<Timed> = serde_json::from_str(&event.payload).ok();
    // Outside of strings a line feed is only white space, and within them JSON has none: a line stays a line.
    let payload = event.payload.replace(['\n', '\r'], " ");
    output::line(&Line {
        position: event.position,
        sequence: event.sequence,
        event_type: &event.event_type,
        version: &event.event_version,
        event_id: event.event_id,
        at: timed.map(|timed| timed.data.at),
        recorded_at: event.recorded_at,
        tenant: &event.tenant,
        actor: Giver { kind: metadata.get(Metadata::ACTOR_KIND), id: metadata.get(Metadata::ACTOR_ID) },
        command_id: metadata.get(Metadata::COMMAND_ID),
        request_id: metadata.get(Metadata::REQUEST_ID),
        payload: RawValue::from_string(payload).with_context(|| format!("payload at {}", event.position))?,
        leaf: hex(&leaf(log_id, event)),
    })?;
    Ok(())
}
