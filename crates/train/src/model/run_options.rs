//! The builder methods that `Fit`, `Evaluate` and `Predict` share.

/// Methods for fields of the same names, in an `impl<'a>` block.
macro_rules! run_builders {
    ($a:lifetime) => {
        /// Samples a batch; 32 by default.
        #[must_use]
        pub fn batch_size(mut self, batch_size: usize) -> Self {
            self.batch_size = Some(batch_size);
            self
        }

        /// 0 silent, 1 a progress bar, 2 one line: of training, one an epoch.
        #[must_use]
        pub fn verbose(mut self, verbose: impl Into<$crate::model::Verbose>) -> Self {
            self.verbose = verbose.into();
            self
        }

        /// Adds something that is called on the way.
        #[must_use]
        pub fn callback(mut self, callback: impl $crate::callbacks::Callback + $a) -> Self {
            self.callbacks.push(Box::new(callback));
            self
        }

        /// Which version's text is printed; 2.15's by default.
        #[must_use]
        pub fn console_style(mut self, style: $crate::console::ConsoleStyle) -> Self {
            self.console_style = style;
            self
        }

        /// Whether the bar is drawn over itself, as Keras does everywhere; by default it is on a terminal, and elsewhere
        /// an epoch is one line.
        #[must_use]
        pub fn redraw(mut self, redraw: bool) -> Self {
            self.redraw = Some(redraw);
            self
        }

        /// Where text goes; the standard output by default.
        #[must_use]
        pub fn console(mut self, console: impl std::io::Write + $a) -> Self {
            self.console = Some(Box::new(console));
            self
        }
    };
}

pub(super) use run_builders;
