//! A training run as a page.

use std::fmt::Write;

use kerox_train::History;

use super::svg::escaped;

/// Sizes in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 30.0;
const TOP: f64 = 12.0;

/// A page of HTML with a picture for the loss and every metric, validation beside training, and a table of all epochs.
/// It needs nothing from elsewhere.
///
/// # Example
/// ```
/// use kerox::callbacks::History;
/// let history = vec![("loss".to_owned(), vec![0.9, 0.4]), ("val_loss".to_owned(), vec![1.0, 0.6])];
/// let page = kerox::plot::history_report(&History { history, ..History::default() }, "run 1");
/// assert!(page.contains("<h1>run 1</h1>") && page.contains("<polyline"));
/// ```
pub fn history_report(history: &History, title: &str) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n<style>\n\
         body {{ font-family: sans-serif; margin: 2em; max-width: 60em; }}\n\
         table {{ border-collapse: collapse; }}\n\
         td, th {{ border: 1px solid #ccc; padding: 0.2em 0.6em; text-align: right; }}\n\
         </style>\n</head>\n<body>\n<h1>{title}</h1>\n"
    );
    for (name, values) in history.history.iter().filter(|(name, _)| !name.starts_with("val_")) {
        let _ = writeln!(page, "<h2>{}</h2>", escaped(name));
        page += &curves(values, history.get(&format!("val_{name}")));
    }
    let epochs = history.history.iter().map(|(_, values)| values.len()).max().unwrap_or(0);
    let names: Vec<String> = history.history.iter().map(|(name, _)| format!("<th>{}</th>", escaped(name))).collect();
    let _ = writeln!(page, "<h2>Epochs</h2>\n<table>\n<tr><th>epoch</th>{}</tr>", names.concat());
    for epoch in 0..epochs {
        let cell = |(_, values): &(String, Vec<f64>)| match values.get(epoch) {
            Some(value) => format!("<td>{value:.6}</td>"),
            None => "<td></td>".to_owned(),
        };
        let cells: Vec<String> = history.history.iter().map(cell).collect();
        let number = history.epoch.get(epoch).copied().unwrap_or(epoch) + 1;
        let _ = writeln!(page, "<tr><td>{number}</td>{}</tr>", cells.concat());
    }
    page += "</table>\n</body>\n</html>\n";
    page
}

/// One picture: training as a line, validation dashed.
fn curves(train: &[f64], validation: &[f64]) -> String {
    let finite = || train.iter().chain(validation).copied().filter(|value| value.is_finite());
    let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (low, high) = match low.partial_cmp(&high) {
        Some(std::cmp::Ordering::Less) => (low, high),
        Some(std::cmp::Ordering::Equal) => (low - 0.5, high + 0.5),
        _ => (0.0, 1.0),
    };
    let last = train.len().max(validation.len()).saturating_sub(1).max(1) as f64;
    let x = |i: usize| LEFT + (WIDTH - LEFT - TOP) * i as f64 / last;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n"
    );
    for step in 0..=4 {
        let value = low + (high - low) * f64::from(step) / 4.0;
        let (at, right) = (y(value), WIDTH - TOP);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.4}</text>",
            LEFT - 6.0,
            at + 4.0
        );
    }
    for (values, color, dash) in [(train, "#1f5fa8", ""), (validation, "#c2571a", " stroke-dasharray=\"5 3\"")] {
        // A gap where a value is no number.
        let parts = values.iter().enumerate().collect::<Vec<_>>();
        for part in parts.split(|(_, value)| !value.is_finite()).filter(|part| !part.is_empty()) {
            let points: Vec<String> = part.iter().map(|&(i, &v)| format!("{:.1},{:.1}", x(i), y(v))).collect();
            let points = points.join(" ");
            let _ = writeln!(
                svg,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{dash}/>"
            );
            if let [(i, v)] = part {
                let _ = writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{color}\"/>", x(*i), y(**v));
            }
        }
    }
    let legend = if validation.is_empty() { "" } else { "; dashed: validation" };
    let _ =
        writeln!(svg, "<text x=\"{LEFT}\" y=\"{}\">epochs 1 to {}: training{legend}</text>", HEIGHT - 8.0, last + 1.0);
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_single_epochs_and_no_epochs() {
        let history = |values: Vec<f64>| History { history: vec![("a<b".into(), values)], ..History::default() };
        let page = history_report(&history(vec![1.0, f64::NAN, 2.0, 3.0]), "t");
        assert_eq!((page.matches("<polyline").count(), page.matches("<circle").count()), (2, 1));
        assert!(page.contains("<h2>a&lt;b</h2>") && page.contains("<td>NaN</td>"));
        assert_eq!(history_report(&history(vec![5.0]), "t").matches("<circle").count(), 1);
        assert!(!history_report(&history(vec![]), "t").contains("<polyline"));
    }
}
