//! Which deliveries follow from which events: one per event and endpoint subscribed at the event's position, and
//! one for the consent's or enrollment's own `callbackUrl`.
//!
//! It folds endpoints in its own stream, so an endpoint made after an event never gets it. A delivery row names the
//! event and the target and holds nothing personal: the sender makes the body from the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use cqrs_es::Aggregate;
use mobid_domain::consent::{Consent, ConsentEvent};
use mobid_domain::enrollment::{Enrollment, EnrollmentEvent};
use mobid_domain::id::DeliveryId;
use mobid_domain::recorded::Recorded;
use mobid_domain::webhook::{Endpoint, EndpointEvent, EventType};
use sqlx::PgConnection;
use uuid::Uuid;

use super::delivery::{self, NewDelivery};
use crate::projection::{ApplyError, Reactor};
use crate::stream::fold::{Folded, fold};
use crate::stream::reader;

pub const NAME: &str = "webhook_outbox";

pub struct Outbox {
    /// Makes ids for deliveries.
    pub new_id: fn() -> Uuid,
}

/// An active endpoint as the reactor knows it at its position.
#[derive(Debug, Clone)]
struct Subscription {
    tenant: String,
    event_types: Vec<String>,
}

#[async_trait]
impl Reactor for Outbox {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> i32 {
        1
    }

    async fn react(&self, conn: &mut PgConnection, events: &[Arc<Recorded>]) -> Result<(), ApplyError> {
        let mut subscriptions = subscriptions(conn, events).await?;
        let mut with_callback = with_callback(conn, events).await?;
        with_callback.extend(enrollments_with_callback(conn, events).await?);
        let mut deliveries = Vec::new();
        for event in events {
            if let Some(event_type) = EventType::parse(&event.event_type) {
                for (endpoint_id, _) in subscriptions.iter().filter(|(id, s)| s.wants(id, event, event_type))
                {
                    deliveries.push(self.delivery(event, endpoint_id));
                }
            }
            if with_callback.contains(&event.position) {
                deliveries.push(self.delivery(event, delivery::CALLBACK));
            }
            if event.aggregate_type == Endpoint::TYPE {
                follow_endpoint(conn, &mut subscriptions, event).await?;
            }
        }
        delivery::insert(conn, &deliveries).await?;
        Ok(())
    }
}

impl Subscription {
    /// An endpoint does not hear that it hears no more.
    fn wants(&self, endpoint_id: &str, event: &Recorded, event_type: EventType) -> bool {
        let own = event_type == EventType::WebhookDisabled && event.aggregate_id == endpoint_id;
        self.tenant == event.tenant
            && !own
            && (self.event_types.is_empty() || self.event_types.iter().any(|t| t == event_type.as_str()))
    }
}

impl Outbox {
    fn delivery(&self, event: &Recorded, target: &str) -> NewDelivery {
        NewDelivery {
            id: DeliveryId((self.new_id)()),
            tenant: event.tenant.clone(),
            target: target.to_owned(),
            event_position: event.position,
            event_id: event.event_id,
            event_type: event.event_type.clone(),
            aggregate_type: event.aggregate_type.clone(),
            aggregate_id: event.aggregate_id.clone(),
            sequence: event.sequence,
        }
    }
}

/// The active endpoints of the tenants in a batch, as of the reactor's checkpoint.
async fn subscriptions(
    conn: &mut PgConnection,
    events: &[Arc<Recorded>],
) -> Result<BTreeMap<String, Subscription>, sqlx::Error> {
    let tenants: BTreeSet<_> = events.iter().map(|event| event.tenant.clone()).collect();
    let tenants: Vec<_> = tenants.into_iter().collect();
    let rows = sqlx::query!(
        "select endpoint_id, tenant, event_types from webhook_subscriptions where tenant = any($1)",
        &tenants
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.endpoint_id, Subscription { tenant: row.tenant, event_types: row.event_types }))
        .collect())
}

/// Takes an endpoint's own event into what the reactor knows.
async fn follow_endpoint(
    conn: &mut PgConnection,
    subscriptions: &mut BTreeMap<String, Subscription>,
    event: &Recorded,
) -> Result<(), ApplyError> {
    match event.decode::<Endpoint>()? {
        EndpointEvent::Created(created) => {
            let event_types: Vec<_> = created.event_types.iter().map(|t| t.as_str().to_owned()).collect();
            sqlx::query!(
                "insert into webhook_subscriptions (endpoint_id, tenant, event_types) values ($1, $2, $3)
                 on conflict (endpoint_id) do update set event_types = excluded.event_types",
                event.aggregate_id,
                event.tenant,
                &event_types
            )
            .execute(conn)
            .await?;
            let subscription = Subscription { tenant: event.tenant.clone(), event_types };
            subscriptions.insert(event.aggregate_id.clone(), subscription);
        }
        EndpointEvent::Disabled { .. } | EndpointEvent::Deleted { .. } => {
            sqlx::query!("delete from webhook_subscriptions where endpoint_id = $1", event.aggregate_id)
                .execute(conn)
                .await?;
            subscriptions.remove(&event.aggregate_id);
        }
    }
    Ok(())
}

/// The positions of events that end or decide a consent which has a `callbackUrl` at that moment.
async fn with_callback(
    conn: &mut PgConnection,
    events: &[Arc<Recorded>],
) -> Result<BTreeSet<i64>, ApplyError> {
    let reported: Vec<_> = events
        .iter()
        .filter(|event| event.aggregate_type == Consent::TYPE && is_reported(&event.event_type))
        .collect();
    let ids: BTreeSet<_> = reported.iter().map(|event| event.aggregate_id.clone()).collect();
    let ids: Vec<_> = ids.into_iter().collect();
    let logged =
        if ids.is_empty() { vec![] } else { reader::of_aggregates(conn, Consent::TYPE, &ids).await? };
    let mut logged_of: BTreeMap<&str, &[Recorded]> = BTreeMap::new();
    for of_one in logged.chunk_by(|one, next| one.aggregate_id == next.aggregate_id) {
        logged_of.insert(&of_one[0].aggregate_id, of_one);
    }
    let mut found = BTreeSet::new();
    for event in reported {
        let all = logged_of.get(event.aggregate_id.as_str()).copied().unwrap_or_default();
        let before = &all[..all.partition_point(|e| e.sequence <= event.sequence)];
        let folded: Option<Folded<Consent>> = fold(before)?;
        let session = folded.as_ref().and_then(|folded| folded.state.session());
        if session.is_some_and(|session| session.request.callback_url.is_some()) {
            found.insert(event.position);
        }
    }
    Ok(found)
}

/// The positions of events that end an enrollment which has a `callbackUrl`. It cannot be changed.
async fn enrollments_with_callback(
    conn: &mut PgConnection,
    events: &[Arc<Recorded>],
) -> Result<BTreeSet<i64>, ApplyError> {
    let told = [EnrollmentEvent::COMPLETED, EnrollmentEvent::FAILED, EnrollmentEvent::EXPIRED];
    let mut found = BTreeSet::new();
    for event in events {
        if event.aggregate_type != Enrollment::TYPE || !told.contains(&event.event_type.as_str()) {
            continue;
        }
        let all = reader::of_aggregate(&mut *conn, Enrollment::TYPE, &event.aggregate_id, 0).await?;
        let folded: Option<Folded<Enrollment>> = fold(&all)?;
        let session = folded.as_ref().and_then(|folded| folded.state.session());
        if session.is_some_and(|session| session.request.callback_url.is_some()) {
            found.insert(event.position);
        }
    }
    Ok(found)
}

/// What a `callbackUrl` hears of.
fn is_reported(event_type: &str) -> bool {
    [ConsentEvent::APPROVED, ConsentEvent::REJECTED, ConsentEvent::EXPIRED, ConsentEvent::REVOKED]
        .contains(&event_type)
}
