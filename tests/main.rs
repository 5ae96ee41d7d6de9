//! End to end, against a real Postgres: one binary, so that it links once.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod browser;
mod chaos;
mod clients;
mod conflicts;
mod consents;
mod cut;
mod devices;
mod embedded_postgres;
mod enrollments;
mod errors;
mod fido;
mod following;
mod idempotency;
mod imports;
mod instances;
mod kill;
mod leaks;
mod limits;
mod loading;
mod log;
mod me;
mod notifier;
mod openapi;
mod pages;
mod permissions;
mod qr;
mod redteam;
mod replay_tool;
mod schema;
mod security;
mod slow;
mod support;
mod watching;
mod webhooks;
