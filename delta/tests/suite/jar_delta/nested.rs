//! JARs inside of JARs.

use fixtures::archive::Entry;
use fixtures::golden::text;

use super::{all_ways, round_trip, tiny_with};

#[test]
fn jars_inside_come_back_stored_and_deflated() {
    let nested = |seed, levels: usize, pack: fn(&str, &[u8]) -> Entry| {
        let mut jar = tiny_with(vec![Entry::deflated("deep/text", &text(seed))]).to_bytes();
        for level in 0..levels {
            let name = format!("BOOT-INF/lib/lib-{level}.{seed}.jar");
            jar = tiny_with(vec![pack(&name, &jar)]).to_bytes();
        }
        jar
    };
    let packs: [fn(&str, &[u8]) -> Entry; 2] = [
        |name, content| Entry::stored(name, content),
        |name, content| Entry::deflated(name, content),
    ];
    for pack in packs {
        for levels in [1, 2, 3, 5] {
            all_ways(&nested(5, levels, pack), &nested(6, levels, pack));
        }
        let patch = round_trip(&nested(5, 2, pack), &nested(5, 2, pack));
        assert!(patch.len() < 200, "{}", patch.len());
    }
}
