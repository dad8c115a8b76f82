//! The daemon in process, over real sockets: what each endpoint answers, and each refusal that HTTP can get.

mod admin;
mod auth;
mod bandwidth;
mod builds;
mod deltas;
mod downloads;
mod harness;
mod issuers;
mod lifecycle;
mod progress;
mod publish;
mod raw;
mod stalls;
mod uploads;
mod wire;
