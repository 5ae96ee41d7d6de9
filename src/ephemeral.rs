//! Rows that are not history: idempotency records, one-time codes, counters. They may be pruned at any time after
//! their end.

pub mod idempotency;
