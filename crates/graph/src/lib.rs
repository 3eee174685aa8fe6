//! The one graph that carries everything: a model is traced once into operations named and shaped as TensorFlow's,
//! and from that graph come shapes, gradients, the compiled plan and what is exported.
//!
//! | part | what it does |
//! |---|---|
//! | [`Graph`] | nodes in topological order; building infers shapes with unknown (batch) dimensions |
//! | [`Op`], [`ops`] | operations, one declaration each: name, attributes, shape rule, kernel, gradient |
//! | [`gradients`] | differentiates graph to graph |
//! | [`Plan`], [`Executor`] | the graph compiled for concrete shapes: constants folded, operations fused, memory reused |
//! | [`Interpreter`] | runs what has no static plan: loops, tensor lists, data-dependent shapes |
//!
//! # Example
//! ```
//! use kerox_graph::{Dims, Executor, Graph, Plan};
//! use kerox_tensor::{DType, Tensor};
//!
//! let mut g = Graph::new();
//! let x = g.placeholder("x", DType::F32, Dims::from([None, Some(2)]))?;
//! let y = g.add(x, x)?;
//! let plan = Plan::compile(&g, &[x], &[[3, 2].into()], &[y], &[])?;
//! let mut executor = Executor::new(plan);
//! executor.run(&[&Tensor::full(1.5f32, [3, 2])?])?;
//! assert_eq!(executor.output(0).tensor()?.as_slice::<f32>()?, [3.0; 6]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod attr;
mod error;
mod executor;
mod generator;
mod gradients;
mod graph;
mod info;
mod interpreter;
mod op;
pub mod ops;
mod plan;

pub use attr::{Attr, Attrs};
pub use error::{Error, Result};
pub use executor::{Executor, Output};
pub use generator::Generator;
pub use gradients::gradients;
pub use graph::{Graph, Node, NodeId, Value};
pub use info::{Dim, Dims, Known, ValueInfo};
pub use interpreter::{Interpreter, ReadFile, Resource, RunContext, RuntimeValue, TensorList};
pub use op::{AsDyn, Data, Grad, Infer, Op, Run, View, ViewMut};
pub use plan::Plan;
