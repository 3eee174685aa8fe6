//! Summaries of Keras 2.
//!
//! | | to 2.6 | 2.7 to 2.12 | from 2.13 |
//! |---|---|---|---|
//! | first column | at the margin | after a blank | after a blank |
//! | text too long for its column | cut off | goes on in the next line | goes on in the next line, one character earlier |
//! | between layers | a rule | a blank line | a blank line |
//! | totals | `407,050` | `407,050` | `407050 (1.55 MB)` |

use super::rows::{Row, Table, Total};
use super::{Summary, SummaryStyle};
use crate::Result;

pub(super) fn text(options: &Summary, table: &Table) -> Result<String> {
    let (length, positions, mut header) = match table.is_sequence {
        true => (65, vec![0.45, 0.85, 1.0], vec!["Layer (type)", "Output Shape", "Param #"]),
        // TensorFlow 2.5 gives the second column a little less.
        false if options.style == SummaryStyle::Tf25 => {
            (98, vec![0.33, 0.55, 0.67, 1.0], vec!["Layer (type)", "Output Shape", "Param #", "Connected to"])
        }
        false => (98, vec![0.3, 0.6, 0.7, 1.0], vec!["Layer (type)", "Output Shape", "Param #", "Connected to"]),
    };
    let mut length = options.line_length.unwrap_or(length);
    let given = options.positions.clone().unwrap_or(positions);
    let relative = given.last().is_none_or(|last| *last <= 1.0);
    let at = |p: f64| if relative { (length as f64 * p) as usize } else { p as usize };
    let mut positions: Vec<usize> = given.into_iter().map(at).collect();
    // A column for everything, also where too few ends were given.
    positions.resize(header.len(), length);
    if options.show_trainable {
        length += 11;
        positions.push(length);
        header.push("Trainable");
    }
    let mut printer = Printer { options, is_sequence: table.is_sequence, length, positions, text: String::new() };
    printer.line(&format!("Model: \"{}\"", table.name));
    printer.rule('_');
    printer.row(&header.iter().map(|title| (*title).to_string()).collect::<Vec<_>>(), 0);
    printer.rule('=');
    for (i, row) in table.rows.iter().enumerate() {
        printer.layer(row, 0, false);
        if options.style == SummaryStyle::Tf25 {
            printer.rule(if i + 1 == table.rows.len() { '=' } else { '_' });
        }
    }
    if options.style != SummaryStyle::Tf25 {
        printer.rule('=');
    }
    let both = Total {
        params: table.trainable.params + table.frozen.params,
        bytes: table.trainable.bytes + table.frozen.bytes,
    };
    for (title, total) in [("Total", both), ("Trainable", table.trainable), ("Non-trainable", table.frozen)] {
        let number = match options.style {
            SummaryStyle::Keras215 => format!("{} ({})", total.params, size(total.bytes)),
            SummaryStyle::Tf29 | SummaryStyle::Tf25 => thousands(total.params),
        };
        printer.line(&format!("{title} params: {number}"));
    }
    printer.rule('_');
    Ok(printer.text)
}

struct Printer<'a> {
    options: &'a Summary,
    is_sequence: bool,
    length: usize,
    positions: Vec<usize>,
    text: String,
}

impl Printer<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn rule(&mut self, of: char) {
        let line: String = std::iter::repeat_n(of, self.length).collect();
        self.line(&line);
    }

    /// A line of one character between the bars of the models around it.
    fn framed(&mut self, bars: usize, of: char) {
        let bar = "|".repeat(bars);
        let inside: String = std::iter::repeat_n(of, self.length.saturating_sub(2 * bars)).collect();
        self.line(&format!("{bar}{inside}{bar}"));
    }

    fn layer(&mut self, row: &Row, level: usize, is_last: bool) {
        let mut fields = vec![row.title.clone(), row.shape.clone(), row.params.clone()];
        if !self.is_sequence {
            let names: Vec<String> = row.connections.iter().map(|name| format!("'{name}'")).collect();
            match self.options.style {
                SummaryStyle::Tf25 => fields.push(row.connections.first().cloned().unwrap_or_default()),
                _ => fields.push(format!("[{}]", names.join(", "))),
            }
        }
        if self.options.show_trainable {
            fields.push(if row.trainable { "Y" } else { "N" }.to_string());
        }
        self.row(&fields, level);
        if self.options.style == SummaryStyle::Tf25 {
            if !self.is_sequence {
                for name in row.connections.iter().skip(1) {
                    let mut fields = vec![String::new(); self.positions.len()];
                    fields[3].clone_from(name);
                    self.row(&fields, level);
                }
            }
            if self.options.expand_nested {
                row.nested.iter().for_each(|inner| self.layer(inner, level + 1, false));
            }
            return;
        }
        let mut is_last = is_last;
        if self.options.expand_nested && !row.nested.is_empty() {
            self.framed(level + 1, '¯');
            for (i, inner) in row.nested.iter().enumerate() {
                self.layer(inner, level + 1, i + 1 == row.nested.len());
            }
            self.framed(level, '¯');
            // The lower edge of the box stands for the blank line.
            is_last = true;
        }
        if !is_last {
            self.framed(level, ' ');
        }
    }

    fn row(&mut self, fields: &[String], level: usize) {
        if self.options.style == SummaryStyle::Tf25 {
            self.cut_row(fields);
            return;
        }
        let mut left: Vec<Vec<char>> = fields.iter().map(|field| field.chars().collect()).collect();
        let last = self.positions.len().saturating_sub(1);
        while left.iter().any(|field| !field.is_empty()) {
            let (mut line, mut start) = (String::new(), 0);
            for (column, (field, &end)) in left.iter_mut().zip(&self.positions).enumerate() {
                let mut room = end.saturating_sub(start);
                if column != last {
                    // Two blanks between columns, and one that the first column begins with.
                    room = room.saturating_sub(2);
                    room = room.saturating_sub(usize::from(self.options.style == SummaryStyle::Keras215));
                }
                if column == 0 {
                    room = room.saturating_sub(level);
                    line.push_str(&"|".repeat(level));
                    line.push(' ');
                }
                let take = cut(field, room.max(1));
                line.extend(field.drain(..take));
                if column != last {
                    line.push_str("  ");
                }
                let width = line.chars().count();
                let inside = if column == last { level } else { 0 };
                line.push_str(&" ".repeat(end.saturating_sub(width + inside)));
                start = end;
            }
            line.push_str(&"|".repeat(level));
            self.line(&line);
        }
    }

    /// A row of TensorFlow 2.5: what is too long is cut off.
    fn cut_row(&mut self, fields: &[String]) {
        let mut line: Vec<char> = Vec::new();
        for (i, (field, &end)) in fields.iter().zip(&self.positions).enumerate() {
            if i > 0 {
                line.pop();
                line.push(' ');
            }
            line.extend(field.chars());
            line.resize(end, ' ');
        }
        let line: String = line.into_iter().collect();
        self.line(&line);
    }
}

/// How much of a text goes into a line: to the end of the first tuple, list, dictionary or string, else all there is
/// room for.
fn cut(text: &[char], room: usize) -> usize {
    let fits = text.len().min(room);
    let pair = |i: &usize| matches!((text[*i], text[*i + 1]), (')' | '}' | ']' | '\'', ','));
    match (0..fits.saturating_sub(1)).find(pair) {
        Some(i) => i + 2,
        None => fits,
    }
}

/// `1.55 MB`.
fn size(bytes: usize) -> String {
    let mut number = bytes as f64;
    for unit in ["Byte", "KB", "MB", "GB", "TB"] {
        if number < 1024.0 {
            return format!("{number:.2} {unit}");
        }
        number /= 1024.0;
    }
    format!("{number:.2} PB")
}

/// `407,050`.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, text) in
            [(0, "0.00 Byte"), (1023, "1023.00 Byte"), (1024, "1.00 KB"), (1628200, "1.55 MB"), (1 << 50, "1.00 PB")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn thousands_are_separated() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (407050, "407,050"), (1234567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
    }
}
