//! What the pass over the log knows of aggregates, and how it holds that against read models: endpoints, which are
//! few, row by row; consents and their deadlines by sums, and row by row only where those differ.

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use mobid_domain::client::Client;
use mobid_domain::consent::Consent;
use mobid_domain::recorded::Recorded;
use mobid_domain::webhook::Endpoint;

use super::aggregates::Walk;
use super::finding::Finding;
use super::sums::Sums;
use super::tables::Expected;
use super::{Look, closely, rows};
use crate::kind::Kind;

pub struct Known {
    clients: Walk<Client>,
    consents: Walk<Consent>,
    endpoints: Walk<Endpoint>,
    checkpoints: BTreeMap<String, i64>,
    expected: Expected,
}

impl Known {
    /// With sums of nothing yet.
    pub fn new(checkpoints: BTreeMap<String, i64>, sums: Sums) -> Self {
        Self {
            clients: Walk::new(),
            consents: Walk::new(),
            endpoints: Walk::new(),
            checkpoints,
            expected: Expected::new(sums),
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
        let expected = &mut self.expected;
        self.clients.take(look, Kind::Client, chunk, |_| Ok(())).await?;
        self.consents.take(look, Kind::Consent, chunk, |whole| expected.take_away(whole)).await?;
        self.endpoints.take(look, Kind::Webhook, chunk, |_| Ok(())).await?;
        self.ripe(look, false).await
    }

    /// After the last chunk: the rest, what differs from the tables of consents, and rows of what never was.
    pub async fn finish(&mut self, look: &mut Look, found: &Sums) -> anyhow::Result<()> {
        self.ripe(look, true).await?;
        let suspects = self.expected.sums.differing(found);
        if suspects.any() {
            closely::look_at(look, &self.checkpoints, &self.consents, &suspects).await?;
        }
        rows::without_events::<Endpoint>(look).await
    }

    async fn ripe(&mut self, look: &mut Look, all: bool) -> anyhow::Result<()> {
        self.clients.ripe(look, all)?;
        for whole in self.consents.ripe(look, all)? {
            self.expected.add(&whole)?;
        }
        let checkpoint = self.checkpoints.get(rows::name::<Endpoint>()).copied().unwrap_or(0);
        for batch in self.endpoints.ripe(look, all)?.chunks(usize::try_from(look.batch)?) {
            rows::compare(look, checkpoint, batch).await?;
        }
        Ok(())
    }
}
