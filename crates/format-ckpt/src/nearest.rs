//! Names that may have been meant.

/// How many names are proposed.
const PROPOSED: usize = 3;
/// Names beyond this length are compared by their ends only.
const LONGEST: usize = 200;

/// The names most like `name`, best first; none that is unlike it in more than half of its length.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let wanted: Vec<char> = tail(name);
    let mut scored: Vec<(usize, &str)> = names
        .filter(|other| *other != name)
        .map(|other| (distance(&wanted, &tail(other)), other))
        .filter(|(distance, other)| *distance * 2 <= wanted.len().max(other.chars().count()))
        .collect();
    scored.sort();
    scored.into_iter().take(PROPOSED).map(|(_, other)| other.to_string()).collect()
}

fn tail(name: &str) -> Vec<char> {
    let skip = name.chars().count().saturating_sub(LONGEST);
    name.chars().skip(skip).collect()
}

/// Insertions, deletions and substitutions that turn one into the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or_default();
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = left;
            }
        }
    }
    if b.is_empty() {
        a.len()
    } else if a.is_empty() {
        b.len()
    } else {
        row.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let check = |a: &str, b: &str, expected| {
            assert_eq!(distance(&a.chars().collect::<Vec<_>>(), &b.chars().collect::<Vec<_>>()), expected, "{a} {b}");
        };
        check("kitten", "sitting", 3);
        check("", "abc", 3);
        check("abc", "", 3);
        check("flaw", "lawn", 2);
    }

    #[test]
    fn the_best_come_first() {
        let names = ["dense/bias", "dense/kernel", "conv/kernel", "optimizer/_iterations", "x"];
        assert_eq!(nearest("dense/kernal", names.into_iter()), ["dense/kernel", "conv/kernel", "dense/bias"]);
    }
}
