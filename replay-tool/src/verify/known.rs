//! What the pass over the log knows of aggregates, and how it holds that against read models: endpoints and
//! devices, which are few, row by row; consents and their deadlines by sums, and row by row only where those differ.

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use mobid_domain::client::Client;
use mobid_domain::consent::{Consent, Phase};
use mobid_domain::device::{Device, Status};
use mobid_domain::enrollment::Enrollment;
use mobid_domain::fido::Login;
use mobid_domain::person::Person;
use mobid_domain::qr::Code;
use mobid_domain::recorded::Recorded;
use mobid_domain::report::Report;
use mobid_domain::webhook::Endpoint;
use tokio::task::JoinHandle;

use super::aggregates::{Walk, Whole};
use super::finding::Finding;
use super::sums::Sums;
use super::tables::Expected;
use super::{Look, closely, rows};
use crate::kind::Kind;

pub struct Known {
    clients: Walk<Client>,
    consents: Walk<Consent>,
    devices: Walk<Device>,
    logins: Walk<Login>,
    enrollments: Walk<Enrollment>,
    persons: Walk<Person>,
    codes: Walk<Code>,
    reports: Walk<Report>,
    endpoints: Walk<Endpoint>,
    checkpoints: BTreeMap<String, i64>,
    expected: Adding,
    /// What was expected of those that went on after all.
    no_longer: Expected,
}

impl Known {
    /// With sums of nothing yet.
    pub fn new(checkpoints: BTreeMap<String, i64>, sums: Sums) -> Self {
        Self {
            clients: Walk::new(|_| false),
            consents: Walk::new(settled),
            devices: Walk::new(is_deregistered),
            // An attempt has one event, or two that are appended together.
            logins: Walk::new(|_| true),
            enrollments: Walk::new(|_| false),
            persons: Walk::new(|_| false),
            codes: Walk::new(|_| true),
            // One event, too.
            reports: Walk::new(|_| true),
            endpoints: Walk::new(|_| false),
            checkpoints,
            expected: Adding::To(Box::new(Expected::new(sums.clone()))),
            no_longer: Expected::new(sums),
        }
    }

    /// How many aggregates there were of each type.
    pub fn seen(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            (Client::TYPE, self.clients.seen()),
            (Consent::TYPE, self.consents.seen()),
            (Device::TYPE, self.devices.seen()),
            (Login::TYPE, self.logins.seen()),
            (Enrollment::TYPE, self.enrollments.seen()),
            (Person::TYPE, self.persons.seen()),
            (Code::TYPE, self.codes.seen()),
            (Report::TYPE, self.reports.seen()),
            (Endpoint::TYPE, self.endpoints.seen()),
        ])
    }

    pub async fn take(&mut self, look: &mut Look, chunk: &[Recorded]) -> anyhow::Result<()> {
        let mut events: [Vec<&Recorded>; Kind::ALL.len()] = Default::default();
        for event in chunk {
            match Kind::of_type(&event.aggregate_type) {
                Some(kind) => events[kind as usize].push(event),
                None => look.report.add(&Finding::UnknownAggregateType {
                    position: event.position,
                    aggregate_type: &event.aggregate_type,
                    aggregate_id: &event.aggregate_id,
                })?,
            }
        }
        let of = |kind: Kind| events[kind as usize].as_slice();
        let no_longer = &mut self.no_longer;
        self.clients.take(look, Kind::Client, of(Kind::Client), |_| Ok(())).await?;
        self.consents.take(look, Kind::Consent, of(Kind::Consent), |whole| no_longer.add(whole)).await?;
        self.devices.take(look, Kind::Device, of(Kind::Device), |_| Ok(())).await?;
        self.logins.take(look, Kind::Login, of(Kind::Login), |_| Ok(())).await?;
        self.enrollments.take(look, Kind::Enrollment, of(Kind::Enrollment), |_| Ok(())).await?;
        self.persons.take(look, Kind::Person, of(Kind::Person), |_| Ok(())).await?;
        self.codes.take(look, Kind::Qr, of(Kind::Qr), |_| Ok(())).await?;
        self.reports.take(look, Kind::Report, of(Kind::Report), |_| Ok(())).await?;
        self.endpoints.take(look, Kind::Webhook, of(Kind::Webhook), |_| Ok(())).await?;
        self.ripe(look, false).await
    }

    /// After the last chunk: the rest, what differs from the tables of consents, and rows of what never was.
    pub async fn finish(&mut self, look: &mut Look, found: Sums) -> anyhow::Result<()> {
        self.ripe(look, true).await?;
        let expected = self.expected.done().await?;
        let suspects = expected.sums.differing(&found.with(&self.no_longer.sums));
        if suspects.any() {
            closely::look_at(look, &self.checkpoints, &self.consents, &suspects).await?;
        }
        rows::without_events::<Device>(look).await?;
        rows::without_events::<Enrollment>(look).await?;
        rows::without_events::<Endpoint>(look).await
    }

    async fn ripe(&mut self, look: &mut Look, all: bool) -> anyhow::Result<()> {
        self.clients.ripe(look, all)?;
        self.persons.ripe(look, all)?;
        self.codes.ripe(look, all)?;
        self.reports.ripe(look, all)?;
        let ripe = self.consents.ripe(look, all)?;
        if !ripe.is_empty() {
            self.expected.add(ripe).await?;
        }
        self.logins.ripe(look, all)?;
        let checkpoint = self.checkpoints.get(rows::name::<Device>()).copied().unwrap_or(0);
        for batch in self.devices.ripe_in_order(look, all)?.chunks(usize::try_from(look.batch)?) {
            rows::compare(look, checkpoint, batch).await?;
        }
        let checkpoint = self.checkpoints.get(rows::name::<Enrollment>()).copied().unwrap_or(0);
        for batch in self.enrollments.ripe_in_order(look, all)?.chunks(usize::try_from(look.batch)?) {
            rows::compare(look, checkpoint, batch).await?;
        }
        let checkpoint = self.checkpoints.get(rows::name::<Endpoint>()).copied().unwrap_or(0);
        for batch in self.endpoints.ripe_in_order(look, all)?.chunks(usize::try_from(look.batch)?) {
            rows::compare(look, checkpoint, batch).await?;
        }
        Ok(())
    }
}

/// Whether a consent is decided: few go on then.
pub fn settled(consent: &Consent) -> bool {
    consent.session().is_some_and(|session| session.phase != Phase::Pending)
}

/// A device that nothing happens to any more.
fn is_deregistered(device: &Device) -> bool {
    device.known().is_some_and(|device| device.status() == Status::Deregistered)
}

/// Sums that are added to on another thread, while the pass goes on.
enum Adding {
    To(Box<Expected>),
    Meanwhile(JoinHandle<serde_json::Result<Expected>>),
    /// It failed.
    Nothing,
}

impl Adding {
    /// Waits for what was added before, so that never more than that is held.
    async fn add(&mut self, ripe: Vec<Whole<Consent>>) -> anyhow::Result<()> {
        let mut expected = self.done().await?;
        *self = Self::Meanwhile(tokio::task::spawn_blocking(move || {
            for whole in ripe {
                expected.add(&whole)?;
            }
            Ok(expected)
        }));
        Ok(())
    }

    async fn done(&mut self) -> anyhow::Result<Expected> {
        match std::mem::replace(self, Self::Nothing) {
            Self::To(expected) => Ok(*expected),
            Self::Meanwhile(adding) => Ok(adding.await??),
            Self::Nothing => anyhow::bail!("the sums of what is expected are lost"),
        }
    }
}
