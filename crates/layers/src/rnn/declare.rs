//! What `SimpleRNN`, `LSTM` and `GRU` have in common, and what their cells have: all but name, kind and description.

/// What `Layer` asks of every layer that goes over a sequence, in its `impl`, for a field `sequences`.
macro_rules! sequence_methods {
    () => {
        fn supports_masking(&self) -> bool {
            true
        }

        fn computes_masks(&self) -> bool {
            true
        }

        fn activity_regularizer(&self) -> Option<&$crate::Regularizer> {
            self.sequences.activity_regularizer.as_ref()
        }

        fn reset_states(&self) {
            self.sequences.reset();
        }

        fn states(&self) -> Vec<$crate::Tracked> {
            $crate::rnn::states::tracked(&self.sequences, self.cell())
        }
    };
}

/// Declares a layer that goes over a sequence with a cell.
macro_rules! recurrent_layer {
    ($(#[$doc:meta])* $name:ident, $cell:ident, $kind:expr, aliases: $aliases:expr) => {
        use std::sync::OnceLock;

        use kerox_config_json::{Config, Fields};
        use kerox_graph::{Value, ValueInfo};

        use $crate::registry::LayerEntry;
        use $crate::rnn::cell_options::{CellOptions, RecurrentOptions};
        use $crate::rnn::declare::sequence_methods;
        use $crate::rnn::recurrence;
        use $crate::rnn::sequence_options::{SequenceOptions, Sequences};
        use $crate::{Args, Base, Build, Call, Layer, LayerRef, Result, Tracked};

        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            base: Base,
            options: CellOptions,
            sequences: Sequences,
            cell: OnceLock<LayerRef>,
        }

        impl $name {
            /// In the registry.
            pub const ENTRY: LayerEntry = LayerEntry {
                class_name: stringify!($name),
                aliases: &$aliases,
                module: "keras.layers",
                from_config: $name::from_config,
            };

            /// With that many units.
            pub fn new(units: usize) -> $name {
                $name {
                    base: Base::new(stringify!($name)),
                    options: CellOptions::new($kind, units),
                    sequences: Sequences::default(),
                    cell: OnceLock::new(),
                }
            }

            /// The cell that holds the weights.
            pub fn cell(&self) -> &LayerRef {
                self.cell.get_or_init(|| $cell::inside(&self.base, &self.options).into())
            }

            fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
                let mut layer = $name {
                    base: Base::from_config(stringify!($name), fields)?,
                    options: CellOptions::read($kind, fields)?,
                    sequences: Sequences::read(fields)?,
                    cell: OnceLock::new(),
                };
                layer.base.keep_rest(fields);
                Ok(layer.into())
            }
        }

        impl RecurrentOptions for $name {
            fn cell_options(&mut self) -> &mut CellOptions {
                &mut self.options
            }
        }

        impl SequenceOptions for $name {
            fn sequences_mut(&mut self) -> &mut Sequences {
                &mut self.sequences
            }
        }

        impl Layer for $name {
            fn base(&self) -> &Base {
                &self.base
            }

            fn base_mut(&mut self) -> &mut Base {
                &mut self.base
            }

            fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
                recurrence::build(self, &self.sequences, self.cell(), cx, inputs)
            }

            fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
                recurrence::call(self, &self.sequences, self.cell(), cx, args)
            }

            fn config(&self) -> Result<Config> {
                let config = self.sequences.write(self.base.config());
                let config = self.options.write(config, Some(&self.sequences.activity_regularizer))?;
                Ok(config.with_rest(self.base.rest()))
            }

            fn sublayers(&self) -> Vec<(String, Tracked)> {
                vec![("cell".into(), Tracked::Layer(self.cell().clone()))]
            }

            sequence_methods!();

            fn casts_integers(&self) -> bool {
                true
            }
        }
    };
}

/// Declares the cell of such a layer: one step. Its first word is the name in Python of cells without a name.
macro_rules! recurrent_cell {
    ($(#[$doc:meta])* $snake:literal, $name:ident, $kind:expr, aliases: $aliases:expr) => {
        use kerox_config_json::{Config, Fields};
        use kerox_graph::{Value, ValueInfo};

        use $crate::registry::LayerEntry;
        use $crate::rnn::cell::{Cell, CellMemory, Fused, call_cell};
        use $crate::rnn::cell_options::{CellOptions, RecurrentOptions};
        use $crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            base: Base,
            options: CellOptions,
        }

        impl $name {
            /// In the registry.
            pub const ENTRY: LayerEntry = LayerEntry {
                class_name: stringify!($name),
                aliases: &$aliases,
                module: "keras.layers",
                from_config: $name::from_config,
            };

            /// With that many units.
            pub fn new(units: usize) -> $name {
                let options = CellOptions::new($kind, units);
                $name { base: Base::new(stringify!($name)), options }
            }

            /// The cell inside a layer.
            pub(super) fn inside(layer: &Base, options: &CellOptions) -> $name {
                let base = CellOptions::cell_base(stringify!($name), $snake, layer);
                $name { base, options: options.clone() }
            }

            fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
                let options = CellOptions::read($kind, fields)?;
                let mut layer = $name { base: Base::from_config(stringify!($name), fields)?, options };
                layer.base.keep_rest(fields);
                Ok(layer.into())
            }
        }

        impl RecurrentOptions for $name {
            fn cell_options(&mut self) -> &mut CellOptions {
                &mut self.options
            }
        }

        impl Layer for $name {
            fn base(&self) -> &Base {
                &self.base
            }

            fn base_mut(&mut self) -> &mut Base {
                &mut self.base
            }

            fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
                self.options.build(self, cx, inputs)
            }

            fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
                call_cell(self, cx, args)
            }

            fn config(&self) -> Result<Config> {
                Ok(self.options.write(self.base.config(), None)?.with_rest(self.base.rest()))
            }

            fn as_cell(&self) -> Option<&dyn Cell> {
                Some(self)
            }

            fn casts_integers(&self) -> bool {
                true
            }
        }

        impl Cell for $name {
            fn state_shapes(&self, _: &ValueInfo) -> Vec<Vec<usize>> {
                self.options.state_shapes()
            }

            fn step(
                &self,
                cx: &mut Call<'_>,
                x: Value,
                states: &[Value],
                memory: &mut CellMemory,
            ) -> Result<(Value, Vec<Value>)> {
                self.options.step(self, cx, x, states, memory)
            }

            fn fused(&self, cx: &mut Call<'_>, call: &Fused<'_>) -> Result<Option<(Value, Vec<Value>)>> {
                self.options.fused(self, cx, call)
            }
        }
    };
}

pub(super) use {recurrent_cell, recurrent_layer, sequence_methods};
