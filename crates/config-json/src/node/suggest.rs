//! Nearest known names, for messages.

/// Up to three names close to `wanted`, best first; nothing when `wanted` is unreasonably long.
pub(crate) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().take(65).collect();
    if wanted.is_empty() || wanted.len() > 64 {
        return Vec::new();
    }
    let limit = (wanted.len() / 3).max(1);
    let mut found: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let lower: Vec<char> = name.to_lowercase().chars().take(65).collect();
            let d = distance(&wanted, &lower);
            (d <= limit).then_some((d, name))
        })
        .collect();
    found.sort();
    found.dedup();
    found.into_iter().take(3).map(|(_, name)| name).collect()
}

/// `did you mean `a` or `b`?`, or nothing.
pub(crate) fn did_you_mean(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        _ => format!("did you mean {}?", names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" or ")),
    }
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest() {
        let known = ["Dense", "DepthwiseConv2D", "Dropout", "LSTM"];
        assert_eq!(nearest("Dens", known), ["Dense"]);
        assert_eq!(nearest("dnese", known), ["Dense"]);
        assert_eq!(nearest("DroupOut", known), ["Dropout"]);
        assert!(nearest("Transformer", known).is_empty());
        assert!(nearest(&"x".repeat(1000), known).is_empty());
        assert_eq!(did_you_mean(&["a", "b"]), "did you mean `a` or `b`?");
    }
}
