//! The graph of a model's layers as a picture.

use std::fmt::Write;

use kerox_train::Model;

use super::graph::{LayerBox, boxes};
use super::svg::escaped;
use crate::saving::Result;

/// Draws the layers of a model and what flows from one to the next.
///
/// # Example
/// ```
/// use kerox::plot::ModelPlot;
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(8).input_shape([4])).add(Dense::new(2));
/// let svg = ModelPlot::new().show_shapes(true).svg(&model)?;
/// assert!(svg.starts_with("<svg") && svg.contains("(None, 8)"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.utils.plot_model`, `keras.utils.model_to_dot`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModelPlot {
    show_shapes: bool,
    show_params: bool,
}

/// Sizes in pixels.
const CHARACTER: usize = 8;
const LINE: usize = 18;
const PAD: usize = 12;
const GAP: usize = 36;

impl ModelPlot {
    /// Names and classes of the layers.
    pub fn new() -> ModelPlot {
        ModelPlot::default()
    }

    /// Types and shapes of what goes in and comes out, too.
    #[must_use]
    pub fn show_shapes(mut self, show: bool) -> ModelPlot {
        self.show_shapes = show;
        self
    }

    /// The number of numbers in the weights, too.
    #[must_use]
    pub fn show_params(mut self, show: bool) -> ModelPlot {
        self.show_params = show;
        self
    }

    fn lines(&self, layer: &LayerBox) -> Vec<String> {
        let mut lines = vec![layer.name.clone(), layer.class_name.clone()];
        let texts = [("in", &layer.inputs), ("out", &layer.outputs)];
        if self.show_shapes {
            lines.extend(
                texts.into_iter().filter(|(_, t)| !t.is_empty()).map(|(k, t)| format!("{k}: {}", t.join(", "))),
            );
        }
        if let (true, Some(params)) = (self.show_params, layer.params) {
            lines.push(format!("{params} params"));
        }
        lines
    }

    /// The picture as SVG.
    ///
    /// # Errors
    /// Those of the layers, where the model cannot be built.
    pub fn svg(&self, model: &Model) -> Result<String> {
        let boxes = boxes(model)?;
        let texts: Vec<Vec<String>> = boxes.iter().map(|layer| self.lines(layer)).collect();
        let width = |lines: &[String]| lines.iter().map(|l| l.chars().count()).max().unwrap_or(0) * CHARACTER + 2 * PAD;
        let rows = rows(&boxes);
        let row_width = |row: &Vec<usize>| row.iter().map(|&i| width(&texts[i]) + GAP).sum::<usize>();
        let whole = rows.iter().map(row_width).max().unwrap_or(0).max(200);
        let mut places = vec![(0, 0, 0, 0); boxes.len()];
        let mut y = GAP;
        for row in &rows {
            let mut x = (whole - row_width(row)) / 2 + GAP / 2;
            let height = row.iter().map(|&i| texts[i].len() * LINE + PAD).max().unwrap_or(0);
            for &i in row {
                let own = width(&texts[i]);
                places[i] = (x, y, own, texts[i].len() * LINE + PAD);
                x += own + GAP;
            }
            y += height + GAP;
        }
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"{y}\" viewBox=\"0 0 {whole} {y}\" \
             font-family=\"monospace\" font-size=\"13\">\n<title>{}</title>\n\
             <defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\">\
             <path d=\"M0,0 L8,4 L0,8 z\" fill=\"#555\"/></marker></defs>\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
            escaped(model.name()),
        );
        for (i, layer) in boxes.iter().enumerate() {
            let (to_x, to_y, to_width, _) = places[i];
            for &from in &layer.from {
                let (x, y, width, height) = places[from];
                let (x1, y1, x2) = (x + width / 2, y + height, to_x + to_width / 2);
                let bend = (y1 + to_y) / 2;
                let _ = writeln!(
                    svg,
                    "<path d=\"M{x1},{y1} C{x1},{bend} {x2},{bend} {x2},{to_y}\" fill=\"none\" stroke=\"#555\" \
                     marker-end=\"url(#tip)\"/>"
                );
            }
        }
        for (lines, (x, y, width, height)) in texts.iter().zip(&places) {
            let _ = writeln!(
                svg,
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"4\" fill=\"#eef3fb\" stroke=\"#4a6fa5\"/>"
            );
            for (n, line) in lines.iter().enumerate() {
                let weight = if n == 0 { " font-weight=\"bold\"" } else { "" };
                let (x, y) = (x + PAD, y + (n + 1) * LINE);
                let _ = writeln!(svg, "<text x=\"{x}\" y=\"{y}\"{weight}>{}</text>", escaped(line));
            }
        }
        svg += "</svg>\n";
        Ok(svg)
    }

    /// The graph in the language of Graphviz.
    ///
    /// # Errors
    /// As [`ModelPlot::svg`].
    pub fn dot(&self, model: &Model) -> Result<String> {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let boxes = boxes(model)?;
        let mut dot = format!("digraph {} {{\n  node [shape=box];\n", quoted(model.name()));
        for (i, layer) in boxes.iter().enumerate() {
            let label = quoted(&self.lines(layer).join("\n")).replace('\n', "\\n");
            let _ = writeln!(dot, "  n{i} [label={label}];");
        }
        for (i, layer) in boxes.iter().enumerate() {
            for from in &layer.from {
                let _ = writeln!(dot, "  n{from} -> n{i};");
            }
        }
        dot += "}\n";
        Ok(dot)
    }
}

/// The boxes row by row: each one below all it depends on, near the middle of those.
fn rows(boxes: &[LayerBox]) -> Vec<Vec<usize>> {
    let mut depth = vec![0usize; boxes.len()];
    let mut rows: Vec<Vec<usize>> = Vec::new();
    for (i, layer) in boxes.iter().enumerate() {
        // Boxes that nothing flows between stand one below the other.
        let alone = layer.from.is_empty() && layer.outputs.is_empty();
        depth[i] = if alone { i } else { layer.from.iter().map(|&from| depth[from] + 1).max().unwrap_or(0) };
        while rows.len() <= depth[i] {
            rows.push(Vec::new());
        }
        rows[depth[i]].push(i);
    }
    let mut place = vec![0.0f64; boxes.len()];
    for row in &mut rows {
        let middle = |i: usize| {
            let from = &boxes[i].from;
            if from.is_empty() { 0.5 } else { from.iter().map(|&f| place[f]).sum::<f64>() / from.len() as f64 }
        };
        let mut wanted: Vec<(f64, usize)> = row.iter().map(|&i| (middle(i), i)).collect();
        wanted.sort_by(|a, b| a.0.total_cmp(&b.0));
        *row = wanted.into_iter().map(|(_, i)| i).collect();
        for (n, &i) in row.iter().enumerate() {
            place[i] = (n as f64 + 0.5) / row.len() as f64;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::{Add, Dense, Input, LayerExt};

    #[test]
    fn branches_stand_side_by_side() {
        let x = Input([4]);
        let (a, b) = (Dense::new(3).name("a<1>").on(&x).unwrap(), Dense::new(3).name("b").on(&x).unwrap());
        let y = Add::new().name("sum").on([&a, &b]).unwrap();
        let model = Model::functional([x], [y]).unwrap();
        let found = rows(&boxes(&model).unwrap());
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 1]);
        let svg = ModelPlot::new().show_shapes(true).show_params(true).svg(&model).unwrap();
        assert!(svg.contains(">a&lt;1&gt;</text>") && svg.contains(">15 params</text>"), "{svg}");
        assert_eq!(svg.matches("marker-end").count(), 4);
        let dot = ModelPlot::new().dot(&model).unwrap();
        assert!(dot.contains("n0 -> n1;") && dot.contains("[label=\"a<1>\\nDense\"]"), "{dot}");
    }
}
