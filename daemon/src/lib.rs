//! The daemon `relctld`: it stores releases, serves them, and follows their way to the users.
//!
//! Read it from the outside in. [`run`] is the process and [`config`] what can be set. [`app`] starts and stops
//! everything. [`http`] lists every route; its handlers are thin and call [`ops`], one function for each thing that a
//! caller can do. Beneath lie the parts that know one thing each: the store and its blobs, the hub of live sessions,
//! and the decisions, which are pure: who is calling, how often, what is offered to whom.
//!
//! Nothing points back: the store sees no frames, and what HTTP can do a session can do through the same `ops`.

pub mod config;
pub mod run;
pub mod telemetry;

pub mod app;
pub mod error;
pub mod http;
pub mod ops;

pub mod auth;
pub mod compat;
pub mod hub;
pub mod limit;
pub mod rollout;
pub mod session;

pub mod blobs;
pub mod jobs;
pub mod statistics;
pub mod store;
pub mod uploads;
