//! Which clients a release with a partial rollout is offered to (contract section 3).
//!
//! A client's place is a hash of its id and the version, so it needs no memory, comes out the same in every daemon,
//! and another release meets another part of the clients first. A place never moves: raising the percentage only adds.

use protocol::{ClientId, Version};
use sha2::{Digest, Sha256};

/// Places that a client can take; a percentage covers a hundred of them.
const PLACES: u64 = 10_000;

/// Whether a client is offered a version that is rolled out to this percentage of the clients.
///
/// A client without an id has no place, so it is in only when everybody is.
#[must_use]
pub fn is_included(client_id: Option<&ClientId>, version: &Version, percentage: u8) -> bool {
    if percentage >= 100 {
        return true;
    }
    client_id.is_some_and(|client_id| place(client_id, version) < u64::from(percentage) * 100)
}

/// Where a client stands in the rollout of a version, from 0 to 9999.
fn place(client_id: &ClientId, version: &Version) -> u64 {
    let digest = Sha256::digest(format!("{client_id}:{version}"));
    let [a, b, c, d, e, f, g, h, ..] = digest.0;
    u64::from_be_bytes([a, b, c, d, e, f, g, h]) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str) -> ClientId {
        id.parse().unwrap()
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn places_are_those_that_the_contract_computes() {
        // Computed with Python's hashlib.
        for (id, number, expected) in [
            ("desktop-client-123", "2.1.0", 7857),
            ("a", "1.0.0", 3941),
            ("client-7", "2.1.0-rc.1+build.5", 1796),
            ("x:y", "3.0.0", 1880),
            ("client-17050", "2.1.0", 0),
            ("client-1822", "2.1.0", 9999),
        ] {
            assert_eq!(
                place(&client(id), &version(number)),
                expected,
                "{id} {number}"
            );
        }
    }

    #[test]
    fn the_bound_of_a_percentage_is_exact() {
        let number = version("2.1.0");
        assert!(is_included(Some(&client("client-4170")), &number, 25)); // place 2499
        assert!(!is_included(Some(&client("client-484")), &number, 25)); // place 2500
        assert!(is_included(Some(&client("client-484")), &number, 26));
        assert!(!is_included(Some(&client("client-17050")), &number, 0)); // place 0
        assert!(is_included(Some(&client("client-17050")), &number, 1));
        assert!(!is_included(Some(&client("client-1822")), &number, 99)); // place 9999
        assert!(is_included(Some(&client("client-1822")), &number, 100));
    }

    #[test]
    fn a_client_without_an_id_is_in_only_at_a_hundred() {
        assert!(!is_included(None, &version("2.1.0"), 99));
        assert!(is_included(None, &version("2.1.0"), 100));
    }

    #[test]
    fn about_the_stated_share_of_clients_is_in() {
        let number = version("2.1.0");
        let included = (0..10_000)
            .filter(|n| is_included(Some(&client(&format!("client-{n}"))), &number, 25))
            .count();
        assert_eq!(included, 2532); // Counted with Python's hashlib.
    }
}
