//! Every follower of the log, in one place.

use uuid::Uuid;

use crate::consent::apply::Consents;
use crate::device::apply::Devices;
use crate::dropped_passkey::DroppedPasskeys;
use crate::enrollment::apply::Enrollments;
use crate::expiry::Deadlines;
use crate::notice::LinkNotices;
use crate::projection::{Follower, Projection};
use crate::webhook::apply::Endpoints;
use crate::webhook::outbox::Outbox;

/// Read models and other rows that can be rebuilt.
pub fn projections() -> Vec<Box<dyn Projection>> {
    vec![
        Box::new(Consents),
        Box::new(Endpoints),
        Box::new(Deadlines),
        Box::new(Devices),
        Box::new(Enrollments),
    ]
}

/// Everything that follows the log; `new_id` makes ids for rows of work.
pub fn followers(new_id: fn() -> Uuid) -> Vec<Follower> {
    let mut followers: Vec<_> = projections().into_iter().map(Follower::Projection).collect();
    followers.push(Follower::Reactor(Box::new(Outbox { new_id })));
    followers.push(Follower::Reactor(Box::new(LinkNotices)));
    followers.push(Follower::Reactor(Box::new(DroppedPasskeys)));
    followers
}
