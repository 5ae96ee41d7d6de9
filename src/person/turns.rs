//! Claims that are taken in turns: what may be held by one at a time, and by another afterwards.

use super::Trouble;
use crate::app::App;

/// Turns that one question asks about: nearly everything has had one, or none.
const AT_A_TIME: u32 = 8;

/// How things stand with something.
pub(super) struct Turns {
    /// The one that nobody has had.
    pub next: u32,
    /// Who had the last one.
    pub last: Option<String>,
}

/// Asks for the turns that were had; `key` makes the claim of one.
pub(super) async fn of(app: &App, kind: &str, key: impl Fn(u32) -> Vec<u8>) -> Result<Turns, Trouble> {
    let (mut from, mut last) = (0, None);
    loop {
        let keys: Vec<_> = (from..from + AT_A_TIME).map(&key).collect();
        let mut taken = app.store.holders_of(kind, &keys).await?;
        let next = keys.iter().position(|key| !taken.contains_key(key));
        let newest = next.unwrap_or(keys.len()).checked_sub(1).and_then(|newest| keys.get(newest));
        last = newest.and_then(|key| taken.remove(key)).or(last);
        if let Some(next) = next {
            return Ok(Turns { next: from + u32::try_from(next).unwrap_or_default(), last });
        }
        from += AT_A_TIME;
    }
}
