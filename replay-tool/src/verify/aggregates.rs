//! The second pass: every aggregate of one type, its events folded in order.
//!
//! Pages by (id, sequence), which the log's own index has, so that one batch of events and one state are all that is
//! held.

use cqrs_es::Aggregate;
use indicatif::ProgressBar;
use mobid_domain::recorded::Recorded;
use mobid_projections::stream::fold::Folded;

use super::Look;
use super::finding::{Finding, Report};
use crate::output;

/// An aggregate with all of its events up to the head.
#[derive(Debug)]
pub struct Whole<A> {
    pub id: String,
    pub first_position: i64,
    pub folded: Folded<A>,
    /// The last event seen; behind `folded` nothing is known if they differ.
    sequence: i64,
    position: i64,
    sound: bool,
}

pub struct Walk<A> {
    open: Option<Whole<A>>,
    ended: bool,
    seen: u64,
    bar: ProgressBar,
}

impl<A: Aggregate + PartialEq> Walk<A> {
    pub fn new(look: &Look, what: &'static str) -> Self {
        Self { open: None, ended: false, seen: 0, bar: output::progress(look.head, what) }
    }

    /// How many aggregates there were so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The next aggregates that are sound; the others are findings already.
    pub async fn next(&mut self, look: &mut Look) -> anyhow::Result<Option<Vec<Whole<A>>>> {
        if self.ended {
            self.bar.finish_and_clear();
            return Ok(None);
        }
        let events = self.page(look).await?;
        let mut whole = Vec::new();
        for event in &events {
            if self.open.as_ref().is_none_or(|open| open.id != event.aggregate_id) {
                self.seen += 1;
                whole.extend(self.open.replace(Whole::new(event)));
            }
            if let Some(open) = &mut self.open {
                self.bar.suspend(|| open.take(event, &mut look.report))?;
            }
        }
        self.bar.inc(events.len() as u64);
        if events.len() < usize::try_from(look.batch)? {
            self.ended = true;
            whole.extend(self.open.take());
        }
        for nothing in whole.iter().filter(|whole| whole.sound && whole.folded.state == A::default()) {
            let reason = "it does not begin with its creation".to_owned();
            self.bar.suspend(|| nothing.does_not_fold(&mut look.report, reason))?;
        }
        whole.retain(|whole| whole.sound && whole.folded.state != A::default());
        Ok(Some(whole))
    }

    async fn page(&self, look: &mut Look) -> Result<Vec<Recorded>, sqlx::Error> {
        let (id, sequence) = self.open.as_ref().map_or(("", 0), |open| (open.id.as_str(), open.sequence));
        sqlx::query_as!(
            Recorded,
            r#"select position, event_id, tenant, aggregate_type, aggregate_id, sequence, event_type, event_version,
                      payload::text as "payload!", metadata::text as "metadata!", recorded_at
               from events
               where aggregate_type = $1 and (aggregate_id, sequence) > ($2, $3) and position <= $4
               order by aggregate_id, sequence limit $5"#,
            A::TYPE,
            id,
            sequence,
            look.head,
            look.batch
        )
        .fetch_all(&mut look.conn)
        .await
    }
}

impl<A: Aggregate> Whole<A> {
    fn new(first: &Recorded) -> Self {
        Self {
            id: first.aggregate_id.clone(),
            first_position: first.position,
            folded: Folded::empty(&first.tenant),
            sequence: 0,
            position: 0,
            sound: true,
        }
    }

    fn take(&mut self, event: &Recorded, report: &mut Report) -> std::io::Result<()> {
        let (aggregate_type, aggregate_id) = (A::TYPE, self.id.as_str());
        let (position, sequence) = (event.position, event.sequence);
        if sequence != self.sequence + 1 {
            let expected = self.sequence + 1;
            report.add(&Finding::SequenceGap {
                aggregate_type,
                aggregate_id,
                position,
                sequence,
                expected,
            })?;
            self.sound = false;
        }
        if position <= self.position {
            let previous = self.position;
            report.add(&Finding::OrderReversed { aggregate_type, aggregate_id, position, previous })?;
            self.sound = false;
        }
        if event.tenant != self.folded.tenant {
            report.add(&Finding::TenantChanged { aggregate_type, aggregate_id, position })?;
            self.sound = false;
        }
        if self.sound
            && let Err(error) = self.folded.take(event)
        {
            self.sound = false;
            self.does_not_fold(report, error.to_string())?;
        }
        (self.sequence, self.position) = (sequence, position);
        Ok(())
    }

    fn does_not_fold(&self, report: &mut Report, reason: String) -> std::io::Result<()> {
        report.add(&Finding::DoesNotFold { aggregate_type: A::TYPE, aggregate_id: &self.id, reason })
    }
}
