//! What is somebody's own, as they see it, and as somebody else would like to.

mod attacks;
mod consents;
mod dropping;
mod guest;
mod numbers;
mod passkeys;
mod recovering;
mod reports;
mod sessions;
mod signing_in;
mod told;
mod withdrawing;

pub use guest::{Guest, ann, code_sent_to, codes_to, messages_to};
pub use numbers::by_number;
