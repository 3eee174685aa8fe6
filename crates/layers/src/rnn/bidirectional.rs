//! `Bidirectional`: a recurrent layer from both ends.

use std::sync::OnceLock;

use kerox_config_json::dialect::KERAS3;
use kerox_config_json::{Config, Fields, Object, Value as Json};
use kerox_graph::{Value, ValueInfo};

use crate::call::input_error;
use crate::registry::{LayerEntry, deserialize, deserialize_object, serialize};
use crate::{Arg, Args, Base, Build, Call, Error, Layer, LayerRef, Result, Tracked};

/// How the outputs of both directions become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MergeMode {
    /// One behind the other along the last axis.
    #[default]
    Concat,
    /// Added.
    Sum,
    /// Multiplied.
    Mul,
    /// Their mean.
    Ave,
    /// Two outputs.
    None,
}

impl MergeMode {
    const WORDS: [(&'static str, MergeMode); 4] =
        [("concat", MergeMode::Concat), ("sum", MergeMode::Sum), ("mul", MergeMode::Mul), ("ave", MergeMode::Ave)];

    fn to_json(self) -> Json {
        match MergeMode::WORDS.iter().find(|(_, mode)| *mode == self) {
            Some((name, _)) => Json::from(*name),
            None => Json::Null,
        }
    }
}

/// Applies a recurrent layer to a sequence and another, equal one to the sequence backwards.
///
/// The layer is a pattern: two others are made after it, named `forward_<name>` and `backward_<name>`.
///
/// # Shapes
/// input `[batch, steps, features]`; output that of the layer, with twice its length along the last axis where the
/// outputs are concatenated. States, where they are returned, are those of the forward layer, then of the other.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, rnn::{Bidirectional, LSTM}};
/// let x = Input([7, 3]);
/// let y = Bidirectional::new(LSTM::new(4)).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 8)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Bidirectional`.
#[derive(Debug)]
pub struct Bidirectional {
    base: Base,
    layer: LayerRef,
    backward_pattern: Option<LayerRef>,
    merge_mode: MergeMode,
    num_constants: usize,
    directions: OnceLock<Result<Directions>>,
}

/// The two layers that are run, and what they were told.
#[derive(Clone, Debug)]
struct Directions {
    forward: LayerRef,
    backward: LayerRef,
    return_sequences: bool,
    return_state: bool,
    time_major: bool,
}

impl Bidirectional {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Bidirectional",
        aliases: &[],
        module: "keras.layers",
        from_config: Bidirectional::from_config,
    };

    /// After that layer.
    pub fn new(layer: impl Into<LayerRef>) -> Bidirectional {
        Bidirectional {
            base: Base::new("Bidirectional"),
            layer: layer.into(),
            backward_pattern: None,
            merge_mode: MergeMode::default(),
            num_constants: 0,
            directions: OnceLock::new(),
        }
    }

    /// How the outputs become one; concatenated by default.
    #[must_use]
    pub fn merge_mode(mut self, merge_mode: MergeMode) -> Bidirectional {
        self.merge_mode = merge_mode;
        self
    }

    /// Another layer for the way back, with `go_backwards`.
    #[must_use]
    pub fn backward_layer(mut self, layer: impl Into<LayerRef>) -> Bidirectional {
        self.backward_pattern = Some(layer.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let merge_mode = match fields.present("merge_mode") {
            Some(node) if node.is_null() => MergeMode::None,
            Some(node) => node.one_of(&MergeMode::WORDS)?,
            None => MergeMode::default(),
        };
        let mut layer = Bidirectional {
            base: Base::from_config("Bidirectional", fields)?,
            layer: deserialize(&fields.required("layer")?)?,
            backward_pattern: fields.get("backward_layer").map(|node| deserialize(&node)).transpose()?,
            merge_mode,
            num_constants: fields.unsigned_or("num_constants", 0)?,
            directions: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn directions(&self) -> Result<&Directions> {
        self.directions.get_or_init(|| self.make_directions()).as_ref().map_err(Clone::clone)
    }

    fn make_directions(&self) -> Result<Directions> {
        let config = self.layer.config()?;
        let flag = |config: &Config, key: &str| config.get(key).and_then(Json::as_bool).unwrap_or(false);
        let copy = |pattern: &LayerRef, prefix: &str, go_backwards: bool| -> Result<LayerRef> {
            let mut config = pattern.config()?;
            config.insert("name", format!("{prefix}_{}", pattern.name()));
            config.insert("go_backwards", go_backwards);
            if flag(&config, "return_sequences") {
                config.insert("zero_output_for_mask", true);
            }
            let written = serialize(pattern)?;
            let mut object = Object::read(&kerox_config_json::Node::root(&written))?;
            object.config = Json::from(config);
            let layer = deserialize_object(&object)?;
            layer.set_trainable(self.base.trainable() && pattern.trainable());
            Ok(layer)
        };
        let backwards = flag(&config, "go_backwards");
        let backward = match &self.backward_pattern {
            Some(pattern) => {
                let own = flag(&pattern.config()?, "go_backwards");
                if own == backwards {
                    return Err(Error::Argument {
                        layer: self.base.name().into(),
                        class_name: "Bidirectional".into(),
                        argument: "backward_layer".into(),
                        expected: format!("a layer with `go_backwards` {}", !backwards),
                        found: format!("{own}"),
                    });
                }
                copy(pattern, "backward", own)?
            }
            None => copy(&self.layer, "backward", !backwards)?,
        };
        Ok(Directions {
            forward: copy(&self.layer, "forward", backwards)?,
            backward,
            return_sequences: flag(&config, "return_sequences"),
            return_state: flag(&config, "return_state"),
            time_major: flag(&config, "time_major"),
        })
    }

    /// What each direction is called with.
    fn arguments(&self, cx: &Call<'_>, args: &Args<Value>) -> Result<(Args<Value>, Args<Value>)> {
        let mut first = args.first().into_iter().copied().collect::<Vec<Value>>();
        if first.is_empty() {
            return Err(input_error(self, "a sequence".into(), "nothing".into()));
        }
        let x = first.remove(0);
        let constants = first.split_off(first.len().saturating_sub(self.num_constants));
        let list = |arg: Option<&Arg<Value>>| -> Vec<Value> {
            arg.map(|arg| arg.tensors().into_iter().copied().collect()).unwrap_or_default()
        };
        let named = list(args.get(3, "initial_state"));
        let states = if named.is_empty() { first } else { named };
        let named = list(args.get(4, "constants"));
        let constants = if named.is_empty() { constants } else { named };
        if states.len() % 2 != 0 {
            let found = format!("{} initial states", states.len());
            return Err(input_error(self, "initial states for both directions".into(), found));
        }
        let mask = list(args.get(1, "mask")).first().copied().or_else(|| cx.mask(x));
        let make = |states: &[Value]| {
            let mut args = Args::one(x);
            let list = |values: &[Value]| Arg::List(values.iter().copied().map(Arg::Tensor).collect());
            if let Some(mask) = mask {
                args = args.with("mask", Arg::Tensor(mask));
            }
            if !states.is_empty() {
                args = args.with("initial_state", list(states));
            }
            if !constants.is_empty() {
                args = args.with("constants", list(&constants));
            }
            args
        };
        let (forward, backward) = states.split_at(states.len() / 2);
        Ok((make(forward), make(backward)))
    }
}

/// Notes in what is written of a layer, for Keras 3 alone, the shapes for which its like was built.
fn tell_shapes(written: &mut Json, like: &Json) {
    match (written, like) {
        (Json::Map(written), Json::Map(like)) => {
            for (key, item) in written.iter_mut() {
                if let Some(like) = like.get(key) {
                    tell_shapes(item, like);
                }
            }
            if let Some(shapes) = like.get("build_config") {
                written.insert("build_config", Config::new().with(KERAS3, shapes.clone()));
            }
        }
        (Json::List(written), Json::List(like)) => {
            written.iter_mut().zip(like).for_each(|(item, like)| tell_shapes(item, like));
        }
        _ => {}
    }
}

impl Layer for Bidirectional {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let directions = self.directions()?;
        cx.build(&directions.forward, inputs)?;
        cx.build(&directions.backward, inputs)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let directions = self.directions()?;
        let (forward, backward) = self.arguments(cx, args)?;
        let mut there = cx.apply(&directions.forward, &forward)?;
        let mut back = cx.apply(&directions.backward, &backward)?;
        let states = match directions.return_state {
            true => there.split_off(1).into_iter().chain(back.split_off(1)).collect(),
            false => Vec::new(),
        };
        let (y, mut reversed) = (there[0], back[0]);
        let mask = cx.mask(y);
        if directions.return_sequences {
            reversed = cx.g.reverse(reversed, &[if directions.time_major { 0 } else { 1 }])?;
        }
        let mut outputs = match self.merge_mode {
            MergeMode::Concat => vec![cx.g.concat(&[y, reversed], -1)?],
            MergeMode::Sum => vec![cx.g.add(y, reversed)?],
            MergeMode::Mul => vec![cx.g.multiply(y, reversed)?],
            MergeMode::Ave => {
                let sum = cx.g.add(y, reversed)?;
                let half = cx.g.number(0.5, cx.g.dtype(sum))?;
                vec![cx.g.multiply(sum, half)?]
            }
            MergeMode::None => vec![y, reversed],
        };
        for &output in &outputs {
            cx.set_mask(output, mask.filter(|_| directions.return_sequences));
        }
        outputs.extend(states);
        Ok(outputs)
    }

    fn config(&self) -> Result<Config> {
        // Keras 3 writes the two layers that are run, whose shapes are known.
        let with_shapes = |pattern: &LayerRef, run: Option<&LayerRef>| -> Result<Json> {
            let mut written = serialize(pattern)?;
            if let Some(run) = run {
                tell_shapes(&mut written, &serialize(run)?);
            }
            Ok(written)
        };
        let run = self.directions.get().and_then(|made| made.as_ref().ok());
        let layer = with_shapes(&self.layer, run.map(|run| &run.forward))?;
        let mut config = self.base.config().with("layer", layer).with("merge_mode", self.merge_mode.to_json());
        if self.num_constants > 0 {
            config = config.with("num_constants", self.num_constants as i64);
        }
        if let Some(backward) = &self.backward_pattern {
            config = config.with("backward_layer", with_shapes(backward, run.map(|run| &run.backward))?);
        }
        Ok(config.with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        match self.directions() {
            Ok(directions) => vec![
                ("forward_layer".into(), Tracked::Layer(directions.forward.clone())),
                ("backward_layer".into(), Tracked::Layer(directions.backward.clone())),
            ],
            // The error is reported when the layer is built.
            Err(_) => Vec::new(),
        }
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
