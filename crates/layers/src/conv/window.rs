//! What layers that slide a kernel over `N` spatial axes are told of it, and the builder methods that tell it.

use kerox_config_json::{Config, Fields};

use super::ConvPadding;
use crate::registry::argument_error;
use crate::{Base, DataFormat, Lengths, Result};

/// How a kernel goes over the input.
#[derive(Clone, Debug)]
pub(crate) struct Window<const N: usize> {
    pub kernel_size: Lengths<N>,
    pub strides: Lengths<N>,
    pub padding: ConvPadding,
    pub data_format: DataFormat,
    pub dilation_rate: Lengths<N>,
}

impl<const N: usize> Window<N> {
    /// A kernel of that size, by one element at a time.
    pub fn new(kernel_size: Lengths<N>) -> Window<N> {
        Window {
            kernel_size,
            strides: Lengths([1; N]),
            padding: ConvPadding::Valid,
            data_format: DataFormat::ChannelsLast,
            dilation_rate: Lengths([1; N]),
        }
    }

    /// Reads `kernel_size`, `strides`, `padding`, `data_format` and `dilation_rate`.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where one of them is of the wrong kind.
    pub fn read(fields: &Fields<'_>, causal: bool) -> Result<Window<N>> {
        Ok(Window {
            kernel_size: Lengths::required(fields, "kernel_size")?,
            strides: Lengths::read(fields, "strides", 1)?,
            padding: ConvPadding::read(fields, causal)?,
            data_format: DataFormat::read(fields)?,
            dilation_rate: Lengths::read(fields, "dilation_rate", 1)?,
        })
    }

    /// Adds to a configuration what [`Window::read`] reads, but for the dilations.
    pub fn write(&self, config: Config) -> Config {
        config
            .with("kernel_size", self.kernel_size)
            .with("strides", self.strides)
            .with("padding", self.padding.name())
            .with("data_format", self.data_format.name())
    }

    /// Lengths of at least 1, and not both strides and dilations.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] that names the argument.
    pub fn check(&self, base: &Base) -> Result<()> {
        self.check_lengths(base)?;
        if self.strides.0.iter().any(|&s| s > 1) && self.dilation_rate.0.iter().any(|&d| d > 1) {
            let found = format!("strides {:?}, dilation_rate {:?}", self.strides.0, self.dilation_rate.0);
            return Err(argument_error(base, "dilation_rate", "1 where strides are above 1", found));
        }
        Ok(())
    }

    /// Lengths of at least 1.
    ///
    /// # Errors
    /// As [`Window::check`].
    pub fn check_lengths(&self, base: &Base) -> Result<()> {
        let lengths =
            [("kernel_size", self.kernel_size), ("strides", self.strides), ("dilation_rate", self.dilation_rate)];
        for (argument, lengths) in lengths {
            if lengths.0.contains(&0) {
                let expected = format!("{N} lengths of at least 1");
                return Err(argument_error(base, argument, expected, format!("{:?}", lengths.0)));
            }
        }
        Ok(())
    }
}

/// The builder methods of a layer with a field `window` over that many axes; `dilated` where its kernel may have gaps.
macro_rules! window_builders {
    ($n:expr) => {
        /// Elements from one place of the kernel to the next; 1 by default. A transposed convolution grows by them.
        #[must_use]
        pub fn strides(mut self, strides: impl Into<$crate::Lengths<$n>>) -> Self {
            self.window.strides = strides.into();
            self
        }

        /// How the borders are filled: `valid`, which is not at all (the default), or `same`; `causal` over steps
        /// where the layer says so.
        #[must_use]
        pub fn padding(mut self, padding: impl Into<$crate::conv::ConvPadding>) -> Self {
            self.window.padding = padding.into();
            self
        }

        /// Where the channels stand; last by default.
        #[must_use]
        pub fn data_format(mut self, data_format: impl Into<$crate::DataFormat>) -> Self {
            self.window.data_format = data_format.into();
            self
        }
    };
    ($n:expr, dilated) => {
        window_builders!($n);

        /// Distance of neighbouring elements of the kernel; 1 by default.
        #[must_use]
        pub fn dilation_rate(mut self, dilation_rate: impl Into<$crate::Lengths<$n>>) -> Self {
            self.window.dilation_rate = dilation_rate.into();
            self
        }
    };
}

pub(crate) use window_builders;
