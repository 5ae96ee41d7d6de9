//! HTTP as this API speaks it: envelope, errors, authentication, idempotency, versions, pages of a list.
//!
//! Leaves to others: what the routes do (api), the hosted pages (pages).

pub mod address;
pub mod authentication;
pub mod body;
pub mod connections;
mod cors;
pub mod cursor;
mod ending;
pub mod envelope;
pub mod error;
pub mod fields;
pub mod guard;
pub mod idempotency;
mod lost_answer;
pub mod query;
pub mod read_model;
mod refusal;
pub mod request_id;
pub mod router;
pub mod security;
pub mod table;
mod unique_keys;
mod unread;
pub mod version;
pub mod waiting;
pub mod watching;
pub mod web_url;
