//! What the pass over the log knows of aggregates, and when it holds that against read models: as soon as one had no
//! event for long, and again should it go on.

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use mobid_domain::client::Client;
use mobid_domain::consent::Consent;
use mobid_domain::recorded::Recorded;
use mobid_domain::webhook::Endpoint;
use mobid_projections::expiry;

use super::aggregates::Walk;
use super::finding::Finding;
use super::{Look, deadlines, rows};
use crate::kind::Kind;

pub struct Known {
    clients: Walk<Client>,
    consents: Walk<Consent>,
    endpoints: Walk<Endpoint>,
    checkpoints: BTreeMap<String, i64>,
    /// Whether each consent that was looked at had a row.
    no_consent_lacks_a_row: bool,
}

impl Known {
    pub fn new(checkpoints: BTreeMap<String, i64>) -> Self {
        Self {
            clients: Walk::new(),
            consents: Walk::new(),
            endpoints: Walk::new(),
            checkpoints,
            no_consent_lacks_a_row: true,
        }
    }

    /// How many aggregates there were of each type.
    pub fn seen(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            (Client::TYPE, self.clients.seen()),
            (Consent::TYPE, self.consents.seen()),
            (Endpoint::TYPE, self.endpoints.seen()),
        ])
    }

    pub async fn take(&mut self, look: &mut Look, chunk: &[Recorded]) -> anyhow::Result<()> {
        for event in chunk.iter().filter(|event| Kind::of_type(&event.aggregate_type).is_none()) {
            let Recorded { position, aggregate_type, aggregate_id, .. } = event;
            look.report.add(&Finding::UnknownAggregateType {
                position: *position,
                aggregate_type,
                aggregate_id,
            })?;
        }
        self.clients.take(look, Kind::Client, chunk).await?;
        self.consents.take(look, Kind::Consent, chunk).await?;
        self.endpoints.take(look, Kind::Webhook, chunk).await?;
        self.compare(look, false).await
    }

    /// After the last chunk: the rest, and rows of what never was.
    pub async fn finish(&mut self, look: &mut Look) -> anyhow::Result<()> {
        self.compare(look, true).await?;
        let each_has_one = self.consents.all_sound() && self.no_consent_lacks_a_row;
        if !(each_has_one && rows::count(look).await? == self.consents.seen()) {
            rows::without_events::<Consent>(look).await?;
        }
        deadlines::without_events(look).await?;
        rows::without_events::<Endpoint>(look).await
    }

    async fn compare(&mut self, look: &mut Look, all: bool) -> anyhow::Result<()> {
        let at = |name: &str| self.checkpoints.get(name).copied().unwrap_or(0);
        let (consents, deadlines) = (at(rows::name::<Consent>()), at(expiry::NAME));
        let endpoints = at(rows::name::<Endpoint>());
        let batch = usize::try_from(look.batch)?;
        self.clients.ripe(look, all)?;
        for batch in self.consents.ripe(look, all)?.chunks(batch) {
            self.no_consent_lacks_a_row &= rows::compare(look, consents, batch).await?;
            deadlines::compare(look, deadlines, batch).await?;
        }
        for batch in self.endpoints.ripe(look, all)?.chunks(batch) {
            rows::compare(look, endpoints, batch).await?;
        }
        Ok(())
    }
}
