//! What can go wrong with layers.

/// The result of layer operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate; every message names the layer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument of a layer that it cannot have.
    #[error("build layer `{layer}` ({class_name}) argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// The layer's name.
        layer: String,
        /// Its class.
        class_name: String,
        /// The constructor argument, as Keras names it.
        argument: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A layer called with what it does not take.
    #[error("call layer `{layer}` ({class_name}): expected {expected}, found {found}")]
    Input {
        /// The layer's name.
        layer: String,
        /// Its class.
        class_name: String,
        /// What the layer takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// An operation inside a layer.
    #[error("call layer `{layer}` ({class_name})")]
    Graph {
        /// The layer's name.
        layer: String,
        /// Its class.
        class_name: String,
        /// What the operation says.
        source: kerox_graph::Error,
    },
    /// A name that nothing has: an activation, initializer, loss.
    #[error("look up {kind} `{name}`: expected one of {known}, found no such name{hint}")]
    UnknownName {
        /// What was looked for.
        kind: String,
        /// The name.
        name: String,
        /// The names there are.
        known: String,
        /// `; did you mean ...?`, or nothing.
        hint: String,
    },
    /// No layer of that name.
    #[error("No such layer: {name}. Existing layers are: {existing}.")]
    NoSuchLayer {
        /// The name or index asked for.
        name: String,
        /// The layers there are, as a Python list.
        existing: String,
    },
    /// No layer at that position.
    #[error("Was asked to retrieve layer at index {index} but model only has {layers} layers.")]
    NoSuchIndex {
        /// The position asked for.
        index: usize,
        /// How many there are.
        layers: usize,
    },
    /// A layer that has not been applied to symbolic tensors.
    #[error("Layer {layer} is not connected, no {what} to return.")]
    NotConnected {
        /// The layer's name.
        layer: String,
        /// `input` or `output`.
        what: String,
    },
    /// Something that needs the variables before there are any.
    #[error(
        "This model has not yet been built. Build the model first by calling `build()` or by calling the model on a batch of data."
    )]
    NotBuilt,
    /// A list of weights of the wrong length.
    #[error(
        "You called `set_weights(weights)` on layer \"{layer}\" with a weight list of length {found}, but the layer was expecting {expected} weights."
    )]
    WeightCount {
        /// The layer's or model's name.
        layer: String,
        /// How many weights it has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A weight of the wrong shape.
    #[error(
        "Layer {layer} weight shape {expected} is not compatible with provided weight shape {found} (weight `{weight}`)."
    )]
    WeightShape {
        /// The layer's or model's name.
        layer: String,
        /// The variable.
        weight: String,
        /// Its shape.
        expected: String,
        /// The shape given.
        found: String,
    },
    /// A list of weights that does not fit the layer.
    #[error("set weights of `{layer}`: expected {expected}, found {found}")]
    Weights {
        /// The layer's or model's name.
        layer: String,
        /// What the layer has.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A graph of layers that cannot be: disconnected, cyclic, two layers of one name.
    #[error("make model `{model}`: expected {expected}, found {found}")]
    Topology {
        /// The model's name.
        model: String,
        /// What is allowed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A configuration that cannot be read.
    #[error(transparent)]
    Config(#[from] kerox_config_json::Error),
    /// A tensor that does not fit.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
    /// An operation outside any layer.
    #[error(transparent)]
    Operation(#[from] kerox_graph::Error),
}

/// The nearest of `known` to a misspelt name, as the end of a message; empty where none is near.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let distance = |other: &str| {
        let (a, b): (Vec<char>, Vec<char>) =
            (name.to_lowercase().chars().collect(), other.to_lowercase().chars().collect());
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, ca) in a.iter().enumerate() {
            let mut diagonal = std::mem::replace(&mut row[0], i + 1);
            for (j, cb) in b.iter().enumerate() {
                let cost = (diagonal + usize::from(ca != cb)).min(row[j] + 1).min(row[j + 1] + 1);
                diagonal = std::mem::replace(&mut row[j + 1], cost);
            }
        }
        row[b.len()]
    };
    let nearest = known.map(|other| (distance(other), other)).min();
    match nearest {
        Some((d, other)) if d <= 1 + name.chars().count() / 3 => format!("; did you mean `{other}`?"),
        _ => String::new(),
    }
}
