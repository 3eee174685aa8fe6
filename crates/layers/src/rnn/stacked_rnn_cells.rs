//! `StackedRNNCells`: cells on top of each other as one.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Dims, Value, ValueInfo};
use kerox_tensor::DType;

use super::cell::{Cell, CellMemory, call_cell};
use crate::registry::{LayerEntry, argument_error, deserialize, serialize};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result, Tracked};

/// Cells of which each takes the output of the one before, as one cell. Its states are those of all of them in order.
///
/// # Shapes
/// input `[batch, ...]` as the first cell takes it, output as the last one gives it.
///
/// # Source
/// `keras.layers.StackedRNNCells`.
#[derive(Debug)]
pub struct StackedRNNCells {
    base: Base,
    cells: Vec<LayerRef>,
}

impl StackedRNNCells {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "StackedRNNCells",
        aliases: &[],
        module: "keras.layers",
        from_config: StackedRNNCells::from_config,
    };

    /// The cells from the first to the last.
    pub fn new<C: Into<LayerRef>>(cells: impl IntoIterator<Item = C>) -> StackedRNNCells {
        StackedRNNCells { base: Base::new("StackedRNNCells"), cells: cells.into_iter().map(Into::into).collect() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let cells = fields.required("cells")?.list()?.iter().map(deserialize).collect::<Result<Vec<LayerRef>>>()?;
        let mut layer = StackedRNNCells { base: Base::from_config("StackedRNNCells", fields)?, cells };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// How many states each cell has.
    pub(super) fn state_counts(&self) -> Vec<usize> {
        let any = ValueInfo::new(DType::F32, Dims::unknown());
        self.with_inputs(&any).iter().map(|(cell, info)| cell.state_shapes(info).len()).collect()
    }

    /// Each cell with the type and shape of its input.
    fn with_inputs(&self, input: &ValueInfo) -> Vec<(&dyn Cell, ValueInfo)> {
        let mut info = ValueInfo::new(input.dtype, input.dims.clone());
        let batch = input.dims.axes().and_then(|axes| axes.first().copied()).flatten();
        let mut cells = Vec::new();
        for cell in self.cells.iter().filter_map(|cell| cell.as_cell()) {
            let shape = cell.output_shape(&info);
            cells.push((cell, info));
            let dims: Dims = std::iter::once(batch).chain(shape.into_iter().map(Some)).collect();
            info = ValueInfo::new(input.dtype, dims);
        }
        cells
    }
}

impl Layer for StackedRNNCells {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        if let Some(other) = self.cells.iter().find(|cell| cell.as_cell().is_none()) {
            let found = format!("`{}` ({})", other.name(), other.class_name());
            return Err(argument_error(&self.base, "cells", "layers that are recurrent cells", found));
        }
        let Some(input) = inputs.first().filter(|_| !self.cells.is_empty()) else {
            return Err(argument_error(&self.base, "cells", "at least one cell", "none"));
        };
        let infos: Vec<ValueInfo> = self.with_inputs(input).into_iter().map(|(_, info)| info).collect();
        for (cell, info) in self.cells.iter().zip(infos) {
            cx.build(cell, &[info])?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        call_cell(self, cx, args)
    }

    fn config(&self) -> Result<Config> {
        let cells = self.cells.iter().map(serialize).collect::<Result<Vec<Json>>>()?;
        Ok(self.base.config().with("cells", cells).with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("cells".into(), Tracked::list(self.cells.iter().cloned().map(Tracked::Layer)))]
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for StackedRNNCells {
    fn state_shapes(&self, input: &ValueInfo) -> Vec<Vec<usize>> {
        self.with_inputs(input).iter().flat_map(|(cell, info)| cell.state_shapes(info)).collect()
    }

    fn output_shape(&self, input: &ValueInfo) -> Vec<usize> {
        self.with_inputs(input).last().map(|(cell, info)| cell.output_shape(info)).unwrap_or_default()
    }

    fn step(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> Result<(Value, Vec<Value>)> {
        let info = cx.g.info(x).clone();
        let (mut output, mut rest, mut new) = (x, states, Vec::with_capacity(states.len()));
        for (cell, info) in self.with_inputs(&info) {
            let (own, others) = rest.split_at(cell.state_shapes(&info).len().min(rest.len()));
            rest = others;
            let (next, states) = cell.step(cx, output, own, memory)?;
            output = next;
            new.extend(states);
        }
        Ok((output, new))
    }
}
