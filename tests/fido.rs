//! Passkeys of a client's own users, over HTTP, by software authenticators and by clients that others wrote.

mod authenticating;
mod ceremonies;
mod failures;
mod pages;
mod races;
mod registering;
mod strangers;
mod webhooks;
