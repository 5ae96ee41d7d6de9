//! What somebody with time, a passkey and an API key of their own would try. What takes a browser is in `browser::hostile`,
//! and what goes with one route is beside that route's tests (`pages::attacks`, `enrollments::attacks`, `fido::failures`).

mod addresses;
mod crossing;
mod guessing;
mod membership;
mod parsing;
mod sessions;
mod takeover;
