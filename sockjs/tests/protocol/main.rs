//! The protocol's rules, checked over raw sockets against the test server, and the rules of time on a stopped clock.

#[cfg(test)]
mod harness;
#[cfg(test)]
#[expect(dead_code, reason = "its `main` is for cargo; tests serve its router")]
#[path = "../../examples/test_server.rs"]
mod test_server;

#[cfg(test)]
mod closing;
#[cfg(test)]
mod cookies;
#[cfg(test)]
mod framing;
#[cfg(test)]
mod http;
#[cfg(test)]
mod jsonp;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod owners;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod timing;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod xhr;
