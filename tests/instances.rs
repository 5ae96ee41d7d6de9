//! Several servers over one Postgres, behind a proxy that gives each request to the next.

mod balancer;
mod clients;
mod draining;
mod holders;
mod killed;
mod restart;
mod writes;
