//! End to end, against a real Postgres: one binary, so that it links once.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod consents;
mod cut;
mod embedded_postgres;
mod kill;
mod replay_tool;
mod support;
mod webhooks;
