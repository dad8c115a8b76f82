//! Live sessions of a real daemon over real sockets, inside one process: what a client, its other sessions and a
//! watcher see.

#[cfg(test)]
mod announcements;
#[cfg(test)]
mod endings;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod handshake;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod messages;
#[cfg(test)]
mod oddities;
#[cfg(test)]
mod page;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod sockjs_access;
#[cfg(test)]
mod sockjs_endings;
#[cfg(test)]
mod sockjs_sessions;
#[cfg(test)]
mod watching;
