//! Keras in Rust: models whose files are TensorFlow's and Keras's own files.
//!
//! ```
//! use kerox::prelude::*;
//!
//! let mut model = Sequential::new()
//!     .add(Dense::new(16).activation("relu").input_shape([4]))
//!     .add(Dense::new(3));
//! model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"])?;
//! let x = Tensor::full(0.5f32, [8, 4])?;
//! let y = Tensor::full(1i64, [8])?;
//! model.fit(&x, &y, Fit::default().epochs(2).verbose(0))?;
//!
//! let dir = std::env::temp_dir().join("kerox-first-example");
//! model.save_weights(dir.join("weights"))?;
//! model.load_weights(dir.join("weights"))?.assert_consumed()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds | Keras |
//! |---|---|---|
//! | [`models`] | `Sequential`, functional and subclassed models | `keras.models` |
//! | [`graph`] | the operations that layers add to a graph | `tf.raw_ops` |
//! | [`layers`] | layers, initializers, regularizers, constraints, activations | `keras.layers` and others |
//! | [`optimizers`] | optimizers and learning-rate schedules | `keras.optimizers` |
//! | [`losses`], [`metrics`], [`callbacks`] | what training is made of | the same |
//! | [`applications`] | architectures of image models | `keras.applications` |
//! | [`datasets`] | data to try things on | `keras.datasets` |
//! | [`saved_model`] | SavedModels as graphs and as layers | `tf.saved_model.load`, `keras.layers.TFSMLayer` |
//! | [`graph`], [`train`], [`json`] | what layers, losses and metrics of one's own are written with | `tf`, `keras.backend` |
//! | [`saving`] | reading and writing files | `keras.saving`, `tf.train`, `tf.saved_model` |
//! | [`utils`] | helpers for sequences, texts, labels and images | `keras.utils`, `keras.preprocessing` |
//! | [`plot`] | pictures of models and of training runs | `keras.utils.plot_model` |
//! | [`system`] | what this build is made of | |
//! | [`prelude`] | what most programs need | |
#![forbid(unsafe_code)]

pub mod applications;
pub mod datasets;
pub mod models;
pub mod plot;
pub mod saved_model;
pub mod saving;
pub mod system;
pub mod utils;

pub use kerox_config_json as json;
pub use kerox_graph as graph;
pub use kerox_layers as layers;
pub use kerox_optim as optimizers;
pub use kerox_tensor as tensor;
pub use kerox_train as train;
pub use kerox_train::{callbacks, console, data, losses, metrics};

/// What most programs need.
pub mod prelude {
    pub use crate::models::{Input, Model, Sequential};
    pub use crate::saving::{CustomObjectKinds, ModelSaving, latest_checkpoint};
    pub use kerox_layers::activation::*;
    pub use kerox_layers::attention::*;
    pub use kerox_layers::augmentation::{
        RandomBrightness, RandomContrast, RandomCrop, RandomFlip, RandomHeight, RandomRotation, RandomTranslation,
        RandomWidth, RandomZoom,
    };
    pub use kerox_layers::conv::*;
    pub use kerox_layers::core::{
        Dense, EinsumDense, Embedding, Identity, InputLayer, Masking, RandomFourierFeatures, ReversibleEmbedding,
    };
    pub use kerox_layers::merging::*;
    pub use kerox_layers::normalization::*;
    pub use kerox_layers::pooling::*;
    pub use kerox_layers::preprocessing::{
        CategoryEncoding, CenterCrop, Discretization, HashedCrossing, Hashing, IntegerLookup, Normalization,
        OutputMode, Rescaling, Resizing, StringLookup, TextVectorization,
    };
    pub use kerox_layers::regularization::*;
    pub use kerox_layers::reshaping::*;
    pub use kerox_layers::rnn::{
        Bidirectional, CellOptions, ConvLSTM1D, ConvLSTM2D, ConvLSTM3D, GRU, GRUCell, LSTM, LSTMCell, MergeMode, RNN,
        RecurrentOptions, SequenceOptions, SimpleRNN, SimpleRNNCell, StackedRNNCells, TimeDistributed,
    };
    pub use kerox_layers::{
        ActivationOptions, BiasOptions, KerasTensor, KernelOptions, Layer, LayerExt, LayerRef, LoraOptions,
        OutputOptions, ScaleOptions, WeightOptions,
    };
    pub use kerox_optim::*;
    pub use kerox_tensor::{DType, Shape, Tensor, Variable};
    pub use kerox_train::callbacks::*;
    pub use kerox_train::losses::{
        BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
        CategoricalGeneralizedCrossEntropy, CategoricalHinge, Circle, CosineSimilarity, Dice, Hinge, Huber,
        KLDivergence, LogCosh, Loss, LossFunction, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError,
        MeanSquaredLogarithmicError, Poisson, Reduction, SparseCategoricalCrossentropy, SquaredHinge, Tversky,
    };
    pub use kerox_train::metrics::SparseCategoricalAccuracy;
    pub use kerox_train::{Evaluate, Fit, Predict};
}
