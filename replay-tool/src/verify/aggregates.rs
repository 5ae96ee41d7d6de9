//! Every aggregate of one type, its events folded as the pass over the log comes to them.
//!
//! Only aggregates that lately had an event and may have more are held; of the others the log itself is asked again
//! should one go on.
//! Whatever is not as it should be is looked at once more in the order of its own sequence, all of it, and said then.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use cqrs_es::Aggregate;
use mobid_domain::recorded::Recorded;
use mobid_projections::projection::ApplyError;
use mobid_projections::stream::fold::Folded;
use mobid_projections::stream::reader;

use super::Look;
use super::finding::{Finding, Report};
use crate::kind::Kind;

/// How many batches' worth of aggregates a generation is.
const GENERATION: usize = 2;

/// An aggregate with all of its events so far.
#[derive(Debug)]
pub struct Whole<A> {
    pub id: String,
    pub first_position: i64,
    pub folded: Folded<A>,
    /// The last event seen; behind `folded` nothing is known if they differ.
    pub sequence: i64,
    position: i64,
    sound: bool,
}

pub struct Walk<A> {
    /// Those with an event since the last change of generations, and those that had one before.
    young: HashMap<String, Whole<A>>,
    old: HashMap<String, Whole<A>>,
    /// Whether a state is likely the last, so that it need not be held.
    settled: fn(&A) -> bool,
    ripe: Vec<Whole<A>>,
    /// What has findings already.
    unsound: BTreeSet<String>,
    seen: u64,
}

impl<A: Aggregate + PartialEq> Walk<A> {
    pub fn new(settled: fn(&A) -> bool) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            settled,
            ripe: Vec::new(),
            unsound: BTreeSet::new(),
            seen: 0,
        }
    }

    /// How many aggregates there were so far.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    pub fn all_sound(&self) -> bool {
        self.unsound.is_empty()
    }

    pub fn is_unsound(&self, id: &str) -> bool {
        self.unsound.contains(id)
    }

    /// Takes the events of this type of a chunk of the log; `again` is told of what was ripe already and goes on, as
    /// it was then.
    pub async fn take(
        &mut self,
        look: &mut Look,
        kind: Kind,
        events: &[&Recorded],
        again: impl FnMut(&Whole<A>) -> serde_json::Result<()>,
    ) -> anyhow::Result<()> {
        self.open_again(look, events, again).await?;
        let is_settled = self.settled;
        let mut suspects = Vec::new();
        let mut settled = Vec::new();
        for event in events {
            let id = event.aggregate_id.as_str();
            let unreadable = if self.unsound.contains(id) {
                kind.decodes(event).err()
            } else {
                match self.next(event) {
                    Ok(whole) => {
                        if is_settled(&whole.folded.state) {
                            settled.push(id);
                        }
                        None
                    }
                    Err(error) => {
                        self.young.remove(id);
                        self.unsound.insert(id.to_owned());
                        suspects.push(id.to_owned());
                        match error {
                            Some(ApplyError::Undecodable(unreadable)) => Some(unreadable),
                            _ => kind.decodes(event).err(),
                        }
                    }
                }
            };
            if let Some(unreadable) = unreadable {
                look.report.add(&Finding::UnreadableEvent {
                    position: event.position,
                    aggregate_type: A::TYPE,
                    aggregate_id: id,
                    reason: unreadable.reason,
                })?;
            }
        }
        for id in suspects {
            self.examine(look, &id).await?;
        }
        for id in settled {
            // Or it went on in this chunk.
            if self.young.get(id).is_some_and(|whole| is_settled(&whole.folded.state)) {
                self.ripe.extend(self.young.remove(id));
            }
        }
        Ok(())
    }

    /// Those that settled or had no event for long, or all that are left; the unsound are findings already.
    pub fn ripe(&mut self, look: &mut Look, all: bool) -> anyhow::Result<Vec<Whole<A>>> {
        let full = self.young.len() >= GENERATION * usize::try_from(look.batch)?;
        let mut ripe = std::mem::take(&mut self.ripe);
        if all || full {
            ripe.extend(self.old.drain().map(|(_, whole)| whole));
        }
        if full {
            std::mem::swap(&mut self.young, &mut self.old);
        }
        if all {
            ripe.extend(self.young.drain().map(|(_, whole)| whole));
            ripe.extend(self.old.drain().map(|(_, whole)| whole));
        }
        let nothing: BTreeMap<_, _> = ripe
            .extract_if(.., |whole| whole.folded.state == A::default())
            .map(|whole| (whole.id.clone(), whole))
            .collect();
        // Findings in the same order each time.
        for (id, nothing) in nothing {
            nothing.does_not_begin(&mut look.report)?;
            self.unsound.insert(id);
        }
        Ok(ripe)
    }

    /// The same beside each other in the indexes, and findings about them in the same order each time.
    pub fn ripe_in_order(&mut self, look: &mut Look, all: bool) -> anyhow::Result<Vec<Whole<A>>> {
        let mut ripe = self.ripe(look, all)?;
        ripe.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(ripe)
    }

    /// Folds once more what had events before this chunk and is no longer held.
    async fn open_again(
        &mut self,
        look: &mut Look,
        events: &[&Recorded],
        mut again: impl FnMut(&Whole<A>) -> serde_json::Result<()>,
    ) -> anyhow::Result<()> {
        let Some(start) = events.first().map(|event| event.position) else { return Ok(()) };
        // A first event has nothing before it, as long as the database sees to it that there is one only.
        let begins = |event: &Recorded| event.sequence == 1 && look.sequences_are_unique;
        let mut missing = BTreeMap::new();
        for event in events.iter().filter(|event| !begins(event)) {
            let id = event.aggregate_id.as_str();
            let held = self.young.contains_key(id) || self.old.contains_key(id) || self.unsound.contains(id);
            if !held {
                missing.entry(id).or_insert(event.position);
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        for event in events.iter().filter(|event| begins(event)) {
            let id = event.aggregate_id.as_str();
            if missing.get(id).is_some_and(|goes_on| event.position < *goes_on) {
                missing.remove(id);
            }
        }
        let missing: Vec<_> = missing.into_keys().map(str::to_owned).collect();
        for ids in missing.chunks(usize::try_from(look.batch)?) {
            let mut earlier = reader::of_aggregates(&mut look.conn, A::TYPE, ids).await?;
            earlier.retain(|event| event.position < start);
            // As the pass came to them; it has passed judgement on each, so an error is a finding already.
            earlier.sort_unstable_by_key(|event| event.position);
            for event in &earlier {
                let id = event.aggregate_id.as_str();
                let whole = self.young.entry(id.to_owned()).or_insert_with(|| Whole::new(event));
                if whole.next(event).is_err() {
                    whole.sound = false;
                }
            }
            for whole in ids.iter().filter_map(|id| self.young.get(id)).filter(|whole| whole.sound) {
                again(whole)?;
            }
        }
        Ok(())
    }

    fn next(&mut self, event: &Recorded) -> Result<&Whole<A>, Option<ApplyError>> {
        let id = event.aggregate_id.as_str();
        let whole = if self.young.contains_key(id) {
            self.young.get_mut(id).ok_or(None)?
        } else {
            let whole = self.old.remove(id).unwrap_or_else(|| {
                self.seen += 1;
                Whole::new(event)
            });
            self.young.entry(id.to_owned()).insert_entry(whole).into_mut()
        };
        whole.next(event)?;
        Ok(whole)
    }

    /// Says everything that is wrong with an aggregate.
    async fn examine(&self, look: &mut Look, id: &str) -> anyhow::Result<()> {
        let mut events = reader::of_aggregate(&mut look.conn, A::TYPE, id, 0).await?;
        events.retain(|event| event.position <= look.head);
        let Some(first) = events.first() else { return Ok(()) };
        let mut whole = Whole::<A>::new(first);
        for event in &events {
            whole.examine(event, &mut look.report)?;
        }
        if whole.sound && whole.folded.state == A::default() {
            whole.does_not_begin(&mut look.report)?;
        }
        Ok(())
    }
}

/// Those of these aggregates that have a later event, up to the head: the pass comes to them again.
pub async fn going_on<A: Aggregate>(
    look: &mut Look,
    wholes: &[&Whole<A>],
) -> anyhow::Result<HashSet<String>> {
    if wholes.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<_> = wholes.iter().map(|whole| whole.id.clone()).collect();
    let sequences: Vec<_> = wholes.iter().map(|whole| whole.sequence).collect();
    let going_on = sqlx::query_scalar!(
        r#"select u.id as "id!" from unnest($2::text[], $3::bigint[]) as u(id, sequence)
           where exists (
               select 1 from events e
               where e.aggregate_type = $1 and e.aggregate_id = u.id and e.sequence > u.sequence and e.position <= $4)"#,
        A::TYPE,
        &ids,
        &sequences,
        look.head
    )
    .fetch_all(&mut look.conn)
    .await?;
    Ok(going_on.into_iter().collect())
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

    /// Takes the next event if it is the next one, with the reason if it is its payload's fault.
    fn next(&mut self, event: &Recorded) -> Result<(), Option<ApplyError>> {
        let follows = self.sound
            && event.sequence == self.sequence + 1
            && event.position > self.position
            && event.tenant == self.folded.tenant;
        if !follows {
            return Err(None);
        }
        self.folded.take(event).map_err(Some)?;
        (self.sequence, self.position) = (event.sequence, event.position);
        Ok(())
    }

    /// Takes the next event by sequence and says all that is wrong with it.
    fn examine(&mut self, event: &Recorded, report: &mut Report) -> std::io::Result<()> {
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

    fn does_not_begin(&self, report: &mut Report) -> std::io::Result<()> {
        self.does_not_fold(report, "it does not begin with its creation".to_owned())
    }

    fn does_not_fold(&self, report: &mut Report, reason: String) -> std::io::Result<()> {
        report.add(&Finding::DoesNotFold { aggregate_type: A::TYPE, aggregate_id: &self.id, reason })
    }
}
