//! "Did you mean": the nearest of the names that there are.

/// How like two names have to be, from 0 to 1, before one is offered for the other: as clap has it for its own.
const LIKENESS: f64 = 0.7;

/// The nearest name, if one is near.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|known| (strsim::jaro(name, known), known))
        .filter(|(likeness, _)| *likeness > LIKENESS)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_put_right_and_something_else_is_not() {
        let known = ["2.1.0", "2.0.5", "1.9.4"];
        assert_eq!(nearest("2.1.00", known), Some("2.1.0"));
        assert_eq!(nearest("stabel", ["stable", "beta"]), Some("stable"));
        assert_eq!(nearest("nightly", ["stable", "beta"]), None);
    }
}
