//! Where the channels stand.

use kerox_config_json::Fields;
use kerox_graph::{Dim, Graph, Value};

use crate::Result;

/// Where the channels stand in the shape of the data.
///
/// # Source
/// Keras's `data_format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DataFormat {
    /// `[batch, spatial..., channels]`, the default.
    #[default]
    ChannelsLast,
    /// `[batch, channels, spatial...]`.
    ChannelsFirst,
}

impl DataFormat {
    /// As files name it.
    pub fn name(self) -> &'static str {
        match self {
            DataFormat::ChannelsLast => "channels_last",
            DataFormat::ChannelsFirst => "channels_first",
        }
    }

    /// Reads `data_format`; channels last where it is missing or null.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where it is neither of the two.
    pub fn read(fields: &Fields<'_>) -> Result<DataFormat> {
        let words = [("channels_last", DataFormat::ChannelsLast), ("channels_first", DataFormat::ChannelsFirst)];
        Ok(fields.one_of_or("data_format", &words, DataFormat::default())?)
    }

    /// The number of the channel axis among `rank` axes, batch included.
    pub(crate) fn channel_axis(self, rank: usize) -> usize {
        match self {
            DataFormat::ChannelsLast => rank - 1,
            DataFormat::ChannelsFirst => 1,
        }
    }

    /// The number of the first spatial axis.
    pub(crate) fn first_spatial(self) -> usize {
        match self {
            DataFormat::ChannelsLast => 1,
            DataFormat::ChannelsFirst => 2,
        }
    }

    /// Lengths of the spatial axes of a shape, batch included.
    pub(crate) fn spatial(self, axes: &[Dim]) -> Vec<Dim> {
        let first = self.first_spatial();
        axes[first..first + axes.len() - 2].to_vec()
    }

    /// The value with its channels last.
    pub(crate) fn to_last(self, g: &mut Graph, x: Value) -> Result<Value> {
        match (self, g.dims(x).rank()) {
            (DataFormat::ChannelsFirst, Some(rank)) if rank > 2 => {
                let perm: Vec<i64> = std::iter::once(0).chain(2..rank as i64).chain([1]).collect();
                Ok(g.transpose(x, &perm)?)
            }
            _ => Ok(x),
        }
    }

    /// A value whose channels are last, with its channels where this format has them.
    pub(crate) fn restore(self, g: &mut Graph, x: Value) -> Result<Value> {
        match (self, g.dims(x).rank()) {
            (DataFormat::ChannelsFirst, Some(rank)) if rank > 2 => {
                let perm: Vec<i64> = [0, rank as i64 - 1].into_iter().chain(1..rank as i64 - 1).collect();
                Ok(g.transpose(x, &perm)?)
            }
            _ => Ok(x),
        }
    }
}

impl From<&str> for DataFormat {
    /// `channels_first`; anything else is channels last.
    fn from(name: &str) -> DataFormat {
        if name == "channels_first" { DataFormat::ChannelsFirst } else { DataFormat::ChannelsLast }
    }
}
