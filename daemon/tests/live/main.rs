//! Live sessions of a real daemon over real sockets, inside one process: what a client, its other sessions and a
//! watcher see.

mod announcements;
mod endings;
mod frames;
mod handshake;
mod harness;
mod limits;
mod messages;
mod reports;
mod watching;
