//! Logins with a passkey: what each attempt came to.

mod reason;

pub use reason::Reason;
