//! Progress on the standard error.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::Common;

/// Whether progress is shown: on a terminal, or where it was asked for.
pub fn is_shown(common: &Common) -> bool {
    !common.quiet && (common.progress || std::io::stderr().is_terminal())
}

/// A bar that counts what is done; nothing where progress is not shown.
pub fn bar(common: &Common, what: &'static str) -> ProgressBar {
    if !is_shown(common) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {pos}/{len} {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
    bar.set_message(what);
    bar
}
