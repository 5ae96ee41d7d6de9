//! A second pass over the log for the consents whose rows are not, all in all, what the first one made of it.
//!
//! That is so beside a live server, which wrote rows meanwhile; if a projection is still coming, or an older release
//! wrote the same in other words; and if something is wrong. Here each row is held against the log by itself, as soon as
//! its consent had no event for long, and again should it go on.

use std::collections::BTreeMap;

use cqrs_es::Aggregate;
use mobid_domain::consent::Consent;
use mobid_projections::expiry;
use mobid_projections::stream::ahead::Ahead;

use super::aggregates::Walk;
use super::known::settled;
use super::sums::Suspects;
use super::{Look, deadlines, rows};
use crate::kind::Kind;

/// Compares the rows of suspects; `consents` is what the first pass knows, whose findings are not made again.
pub async fn look_at(
    look: &mut Look,
    checkpoints: &BTreeMap<String, i64>,
    consents: &Walk<Consent>,
    suspects: &Suspects,
) -> anyhow::Result<()> {
    eprintln!("replay-tool: not all rows are what the log says; looking closely at those");
    let at = |name: &str| checkpoints.get(name).copied().unwrap_or(0);
    let mut closer = Closer {
        walk: Walk::new(settled),
        rows: at(rows::name::<Consent>()),
        deadlines: at(expiry::NAME),
        none_lacks_a_row: true,
    };
    let mut log = Ahead::after(0, look.chunk(), look.options.clone());
    let mut position = 0;
    while position < look.head
        && let Some(chunk) = log.next().await?
    {
        position = chunk.last().map_or(look.head, |event| event.position);
        let events: Vec<_> = chunk
            .iter()
            .filter(|event| {
                let id = event.aggregate_id.as_str();
                event.aggregate_type == Consent::TYPE
                    && event.position <= look.head
                    && suspects.includes(id)
                    && !consents.is_unsound(id)
            })
            .collect();
        closer.walk.take(look, Kind::Consent, &events, |_| Ok(())).await?;
        closer.compare(look, false).await?;
    }
    closer.compare(look, true).await?;

    let each_has_one = consents.all_sound() && closer.none_lacks_a_row;
    if !(each_has_one && rows::count(look).await? == consents.seen()) {
        rows::without_events::<Consent>(look).await?;
    }
    deadlines::without_events(look).await
}

struct Closer {
    walk: Walk<Consent>,
    /// Where the projections stood, before the log's head was read.
    rows: i64,
    deadlines: i64,
    /// Whether each that was looked at had a row.
    none_lacks_a_row: bool,
}

impl Closer {
    async fn compare(&mut self, look: &mut Look, all: bool) -> anyhow::Result<()> {
        for batch in self.walk.ripe_in_order(look, all)?.chunks(usize::try_from(look.batch)?) {
            self.none_lacks_a_row &= rows::compare(look, self.rows, batch).await?;
            deadlines::compare(look, self.deadlines, batch).await?;
        }
        Ok(())
    }
}
