//! The layer that stands for one operation.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields, Object, Value as Json};
use kerox_graph::{Generator, Value};

use super::inputs::Inputs;
use super::table;
use crate::base::{observe_name, unique_stem};
use crate::registry::LayerEntry;
use crate::{Arg, Args, Base, Call, KerasTensor, Layer, LayerRef, Result};

/// One TensorFlow or Keras function used as a layer.
///
/// Files of Keras 2 know it as `TFOpLambda` or `SlicingOpLambda` with the function's name, files of Keras 3 by a class
/// for each function in `keras.src.ops`.
///
/// # Shapes
/// those of the function.
///
/// # Source
/// keras/layers/core/tf_op_layer.py; keras/src/ops/operation.py.
#[derive(Debug)]
pub struct OpLambda {
    base: Base,
    class_name: String,
    module: String,
    /// `math.multiply`; the class of an operation of Keras 3.
    function: String,
    /// Arguments that the configuration gives (Keras 3).
    arguments: Config,
    /// What a function that draws random numbers draws from.
    generator: OnceLock<Generator>,
}

const MODULE: &str = "keras.src.layers.core.tf_op_layer";

impl OpLambda {
    /// Functions, in the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "TFOpLambda", aliases: &[], module: MODULE, from_config: OpLambda::from_config };

    /// Slices, in the registry.
    pub const SLICING: LayerEntry = LayerEntry {
        class_name: "SlicingOpLambda",
        aliases: &[],
        module: MODULE,
        from_config: OpLambda::slicing_from_config,
    };

    /// A function by its name within `tf`: `math.multiply`, `nn.relu`, `concat`.
    ///
    /// # Errors
    /// [`crate::Error::UnknownName`] where there is no such function here.
    pub fn new(function: &str) -> Result<OpLambda> {
        table::check(function)?;
        let slicing = function == "__operators__.getitem";
        let mut layer = OpLambda::of(if slicing { "SlicingOpLambda" } else { "TFOpLambda" }, function);
        layer.base.set_name(unique_stem(&format!("tf.{function}")));
        Ok(layer)
    }

    fn of(class_name: &'static str, function: &str) -> OpLambda {
        OpLambda {
            base: Base::new(class_name),
            class_name: class_name.into(),
            module: MODULE.into(),
            function: function.into(),
            arguments: Config::new(),
            generator: OnceLock::new(),
        }
    }

    /// Applies a function to symbolic tensors.
    ///
    /// # Errors
    /// As [`OpLambda::new`]; where the arguments do not fit.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{Arg, Args, Input, op_lambda::OpLambda};
    /// let x = Input([4, 3]);
    /// let y = OpLambda::apply("math.reduce_mean", Args::one(x).with("axis", Arg::Const((-1).into())))?;
    /// assert_eq!(y[0].shape().to_string(), "(None, 4)");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    pub fn apply(function: &str, args: Args<KerasTensor>) -> Result<Vec<KerasTensor>> {
        LayerRef::from(OpLambda::new(function)?).call(args)
    }

    /// The function's name.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// Whether this takes a slice of a tensor.
    pub fn is_slice(&self) -> bool {
        matches!(self.function.as_str(), "__operators__.getitem" | "GetItem")
    }

    /// Where random numbers come from; the first call says with which seed it begins.
    pub(super) fn generator(&self, seed: Option<i64>) -> Generator {
        let new = || Generator::new(seed.map_or_else(crate::random::next_seed, |seed| seed as u64));
        self.generator.get_or_init(new).clone()
    }

    /// Whether this is an operation of Keras 3, not a function of Keras 2.
    pub(super) fn is_operation(&self) -> bool {
        self.module != MODULE
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        OpLambda::read("TFOpLambda", fields)
    }

    fn slicing_from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        OpLambda::read("SlicingOpLambda", fields)
    }

    fn read(class_name: &'static str, fields: &Fields<'_>) -> Result<LayerRef> {
        let function = fields.str("function")?;
        if let Err(error) = table::check(function) {
            return Err(fields.error("function", "a function that is known here", error.to_string()).into());
        }
        let mut layer = OpLambda::of(class_name, function);
        layer.base = Base::from_config(class_name, fields)?;
        layer.base.keep_rest(fields);
        if !fields.config().contains_key("name") {
            layer.base.set_name(unique_stem(&format!("tf.{function}")));
        }
        observe_name(layer.base.name());
        Ok(layer.into())
    }

    /// The object of files.
    pub(crate) fn object(&self) -> Result<Object> {
        let mut object = Object::builtin(self.module.as_str(), self.class_name.as_str(), self.config()?);
        object.registered_name = Some(Some(self.class_name.clone()));
        Ok(object)
    }
}

/// An operation of Keras 3: a class of `keras.src.ops`.
pub(crate) fn from_operation(object: &Object) -> Result<LayerRef> {
    let class_name = object.class_name.clone();
    let fields = object.fields()?;
    if let Err(error) = table::check(&class_name) {
        let error = kerox_config_json::Error::Field {
            field: "class_name".into(),
            path: object.path.key("class_name").to_string(),
            expected: "an operation that is known here".into(),
            found: format!("`{class_name}`"),
            help: error.to_string().into(),
        };
        return Err(error.into());
    }
    let mut base = Base::new("TFOpLambda");
    if let Some(name) = fields.opt_str("name")? {
        base.set_name(name);
    }
    let module = object.module.clone().flatten().unwrap_or_default();
    let (function, arguments) = (class_name.clone(), fields.rest());
    Ok(OpLambda { base, class_name, module, function, arguments, generator: OnceLock::new() }.into())
}

impl Layer for OpLambda {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn class_name(&self) -> &str {
        &self.class_name
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        table::build(&self.function, &mut Inputs { cx, args, rest: &self.arguments, layer: self })
    }

    fn config(&self) -> Result<Config> {
        if self.module == MODULE {
            let config = self.base.config().with("function", self.function.as_str());
            return Ok(config.with_rest(self.base.rest()));
        }
        Ok(Config::new().with("name", self.base.name()).with_rest(&self.arguments))
    }

    fn autocast(&self) -> bool {
        false
    }
}

/// A number as an argument.
pub(super) fn number(value: f64) -> Arg<KerasTensor> {
    Arg::Const(Json::from(value))
}
