//! The routes' handlers: `api/<capability>/<verb>.rs`. No SQL, no rules: those are in `projections` and `domain`.

pub mod client;
pub mod consent;
pub mod device;
pub mod docs;
pub mod enrollment;
pub mod fido;
pub mod health;
pub mod openapi;
pub mod qr;
pub mod report;
pub mod webhook;
