//! The server `mobid`.
//!
//! request → `api` → command → `domain` decides → `event_store` appends → log, which projections, webhooks and
//! expiry follow. `http` knows HTTP and no rules, `api` and `pages` know no SQL, `workers` know no HTTP.

pub mod api;
pub mod app;
pub mod changes;
pub mod clock;
pub mod config;
pub mod current;
pub mod database;
pub mod embedded_postgres;
pub mod ephemeral;
pub mod errands;
pub mod event_store;
pub mod hex;
pub mod http;
pub mod ids;
pub mod key_file;
pub mod limits;
pub mod listing;
pub mod matching_number;
mod memory;
pub mod notifier;
pub mod openapi;
pub mod owner;
pub mod pages;
pub mod person;
pub mod presentation;
pub mod rounds;
pub mod secret;
pub mod server;
pub mod telemetry;
pub mod vault;
pub mod watch;
pub mod webauthn;
pub mod words;
pub mod workers;
