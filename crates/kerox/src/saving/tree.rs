//! The paths of objects in `.weights.h5` trees, and of weights in safetensors files.
//!
//! A layer inside a model is named by its class and counted (`layers/dense_1`), any other layer by the attribute that
//! holds it (`cell`, `forward_layer`). Attributes are gone through in alphabetical order, and an object that is reached
//! twice keeps its first path.
//!
//! | Keras | layers of a model | `MultiHeadAttention` | `GroupQueryAttention` | `Bidirectional` |
//! |---|---|---|---|---|
//! | 2.12 to 2.14 | `_layer_checkpoint_dependencies/` | `_query_dense` | | and the layer it was made of |
//! | 2.15 | `layers/` | `_query_dense` | | and the layer it was made of |
//! | 3 | `layers/` | `query_dense` | `grouped_query_attention/_query_dense` | |

use std::collections::{HashMap, HashSet};

use kerox_config_json::names::snake_case;
use kerox_layers::models::{Functional, Sequential};
use kerox_layers::op_lambda::OpLambda;
use kerox_layers::preprocessing::Discretization;
use kerox_layers::{LayerRef, Lora, Tracked, Weight};
use kerox_tensor::Tensor;

use super::Result;
use super::package::SavedObject;
use super::save_options::Dialect;

/// An object of a tree.
pub(super) struct TreeNode {
    /// Where it is: `layers/dense`, empty for the model.
    pub path: String,
    /// The layer's name.
    pub name: String,
    /// Its own weights in the order of files: trainable ones first, but for layers that are quantized or have adapted
    /// kernels.
    pub weights: Vec<Weight>,
    /// The layer; none for objects that have no counterpart here.
    pub layer: Option<LayerRef>,
}

impl TreeNode {
    /// The value of one of its weights as the tree holds it.
    pub fn value(&self, weight: &Weight) -> Result<Tensor> {
        let adapted = self.layer.as_ref().and_then(|layer| Some((layer.lora()?, layer)));
        Ok(match adapted {
            Some((lora, layer)) => lora.merged(&**layer, weight)?,
            None => weight.variable.value(),
        })
    }
}

/// Resolves the name of a child below a path.
type Resolve<'a> = &'a dyn Fn(&str, &str, &LayerRef) -> String;

/// Whether what a layer has learnt is written into the configuration.
type InConfig<'a> = &'a dyn Fn(&LayerRef) -> bool;

struct Walk<'a> {
    container: &'static str,
    resolve: Resolve<'a>,
    dialect: Dialect,
    /// Whether the layer at a path lists the kernel of the layer inside among its own weights.
    shares_kernel: &'a dyn Fn(&str, &LayerRef) -> bool,
    /// Whether objects without weights of Keras's own that are not kept here are named too.
    extras: bool,
    in_config: InConfig<'a>,
    seen: HashSet<usize>,
    nodes: Vec<TreeNode>,
}

/// The objects of a model under the paths of a dialect, those without weights too. The weights of layers whose state is
/// in the configuration, which is for `in_config` to say, are left out.
pub(super) fn for_writing(network: &LayerRef, dialect: Dialect, in_config: InConfig<'_>) -> Vec<TreeNode> {
    let resolve = |_: &str, attr: &str, owner: &LayerRef| attribute(attr, owner, dialect);
    run(
        network,
        Walk {
            container: "layers",
            resolve: &resolve,
            dialect,
            shares_kernel: &|_, layer| dialect == Dialect::Keras3 && layer.class_name() == NORMALIZED,
            extras: true,
            in_config,
            seen: HashSet::new(),
            nodes: Vec::new(),
        },
    )
}

/// In Keras 3 this layer holds the kernel of the layer inside as an attribute, and so lists it once more.
const NORMALIZED: &str = "SpectralNormalization";

/// The weight that a layer inside another is normalized by.
fn kernel_inside(layer: &LayerRef) -> Option<Weight> {
    let inside = layer.sublayers().into_iter().find_map(|(_, child)| match child {
        Tracked::Layer(layer) => Some(layer),
        _ => None,
    });
    super::h5::own_weights(&inside?).into_iter().find(|weight| matches!(weight.attr.as_str(), "kernel" | "embeddings"))
}

/// Whether a dialect keeps in the configuration what the layer has learnt, and no weights.
pub(super) fn is_learnt_in_config(layer: &LayerRef, dialect: Dialect) -> bool {
    dialect == Dialect::Keras3 && layer.class_name() == "Discretization"
}

/// As [`is_learnt_in_config`], for whole models in archives: Keras 2.15 reads the learnt state of a `Discretization` from
/// there and forgets to find the boundaries in it, so that every number falls into the first range.
pub(super) fn is_learnt_in_archive(layer: &LayerRef, dialect: Dialect) -> bool {
    let has_boundaries = |layer: &Discretization| layer.bin_boundaries().ok().flatten().is_some();
    is_learnt_in_config(layer, dialect) || layer.downcast::<Discretization>().is_some_and(has_boundaries)
}

/// The name under which a dialect keeps an attribute.
fn attribute(attr: &str, owner: &LayerRef, dialect: Dialect) -> String {
    let plain = attr.trim_start_matches('_');
    if plain.ends_with("_dense") {
        return match (owner.class_name(), dialect) {
            ("MultiHeadAttention", Dialect::Keras3) => plain.to_string(),
            ("MultiHeadAttention", Dialect::Keras2) | ("GroupQueryAttention", _) => format!("_{plain}"),
            _ => attr.to_string(),
        };
    }
    attr.to_string()
}

/// The objects of a model under the paths that a file has.
pub(super) fn for_reading(network: &LayerRef, file: &HashMap<&str, &SavedObject>) -> Vec<TreeNode> {
    let exists = |path: &str| {
        file.contains_key(path) || file.keys().any(|known| known.strip_prefix(path).is_some_and(|r| r.starts_with('/')))
    };
    let resolve = |above: &str, attr: &str, _: &LayerRef| {
        let plain = attr.trim_start_matches('_');
        let candidates = [attr.to_string(), plain.to_string(), format!("_{plain}")];
        let found = candidates.iter().find(|name| exists(&join(above, name)));
        found.unwrap_or(&candidates[0]).clone()
    };
    let old = "_layer_checkpoint_dependencies";
    let early = file.keys().any(|path| path.split('/').any(|part| part == old));
    run(
        network,
        Walk {
            container: if early { old } else { "layers" },
            resolve: &resolve,
            dialect: Dialect::Keras3,
            shares_kernel: &|path, layer| {
                layer.class_name() == NORMALIZED
                    && file.get(path).is_some_and(|o| o.keys.len() == super::h5::own_weights(layer).len() + 1)
            },
            extras: false,
            in_config: &|_| false,
            seen: HashSet::new(),
            nodes: Vec::new(),
        },
    )
}

fn run(network: &LayerRef, mut walk: Walk<'_>) -> Vec<TreeNode> {
    walk.layer(network, String::new());
    walk.nodes
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_string() } else { format!("{above}/{name}") }
}

impl Walk<'_> {
    fn layer(&mut self, layer: &LayerRef, path: String) {
        if !self.seen.insert(layer.id()) {
            return;
        }
        let mut weights = match (self.in_config)(layer) {
            true => Vec::new(),
            // These layers have an order of their own, in which they made them.
            false if layer.base().policy().quantization.is_some() || layer.lora().is_some() => Lora::kept(layer.base()),
            false => super::h5::own_weights(layer),
        };
        if (self.shares_kernel)(&path, layer) {
            weights.splice(0..0, kernel_inside(layer));
        }
        let (name, layer_here) = (layer.name().to_string(), Some(layer.clone()));
        self.nodes.push(TreeNode { path: path.clone(), name, weights, layer: layer_here });
        let graph = layer.downcast::<Sequential>().is_some() || layer.downcast::<Functional>().is_some();
        if graph {
            let layers = layer.layers_inside();
            self.list(&layers, &join(&path, self.container));
            return;
        }
        let mut children: Vec<(String, Tracked)> =
            layer.sublayers().into_iter().map(|(attr, child)| ((self.resolve)(&path, &attr, layer), child)).collect();
        if layer.is_model() && self.dialect == Dialect::Keras2 {
            let all = layer.layers_inside().into_iter().map(Tracked::Layer);
            children.push((self.container.to_string(), Tracked::list(all)));
        }
        children.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, child) in children {
            self.child(&child, join(&path, &name));
        }
        if self.extras {
            self.empty_objects(layer, &path);
        }
    }

    fn child(&mut self, child: &Tracked, path: String) {
        match child {
            Tracked::Layer(layer) => self.layer(layer, path),
            Tracked::Container(elements) => {
                let mut names = Names::default();
                for (_, element) in elements {
                    match element {
                        Tracked::Layer(layer) => {
                            let name = names.next(layer.class_name());
                            self.layer(layer, join(&path, &name));
                        }
                        // Keras does not look into lists of lists.
                        _ => continue,
                    }
                }
            }
            Tracked::Variable(_) | Tracked::Object(_) => {}
        }
    }

    fn list(&mut self, layers: &[LayerRef], path: &str) {
        let mut names = Names::default();
        for layer in layers {
            let class_name = match layer.downcast::<OpLambda>() {
                // To Keras 3 operations are no layers; none has weights.
                Some(_) if self.dialect == Dialect::Keras3 => continue,
                Some(operation) if operation.is_slice() => "SlicingOpLambda",
                Some(_) => "TFOpLambda",
                None => layer.class_name(),
            };
            self.layer(layer, join(path, &names.next(class_name)));
        }
    }

    /// Objects of Keras's layers that have no weights and no counterpart here. Keras 2.15 insists on their groups.
    fn empty_objects(&mut self, layer: &LayerRef, path: &str) {
        let names: &[&str] = match (layer.class_name(), self.dialect) {
            ("MultiHeadAttention" | "GroupQueryAttention", _) => &["_dropout_layer", "_softmax"],
            ("Bidirectional", Dialect::Keras2) => &["layer", "layer/cell"],
            _ => &[],
        };
        for name in names {
            let path = join(path, name);
            if !self.nodes.iter().any(|node| node.path == path) {
                self.nodes.push(TreeNode { path, name: (*name).to_string(), weights: Vec::new(), layer: None });
            }
        }
    }
}

/// Names by class: `dense`, `dense_1`.
#[derive(Default)]
pub(super) struct Names(HashMap<String, usize>);

impl Names {
    pub(super) fn next(&mut self, class_name: &str) -> String {
        let base = match class_name.rsplit('>').next().unwrap_or(class_name) {
            // The class has another name in Python than in configurations.
            "GroupQueryAttention" => "grouped_query_attention".to_string(),
            class_name => snake_case(class_name),
        };
        let count = self.0.entry(base.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { base } else { format!("{base}_{}", *count - 1) }
    }
}

/// Every weight with the path of layer names and attributes that leads to it: `encoder/dense/kernel`,
/// `lstm/cell/kernel`.
pub(super) fn named(network: &LayerRef) -> Vec<(String, Weight)> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut taken = HashSet::new();
    gather(network, String::new(), &mut seen, &mut taken, &mut found);
    found
}

fn gather(
    layer: &LayerRef,
    path: String,
    seen: &mut HashSet<usize>,
    taken: &mut HashSet<String>,
    found: &mut Vec<(String, Weight)>,
) {
    if !seen.insert(layer.id()) {
        return;
    }
    for weight in super::h5::own_weights(layer) {
        let base = join(&path, &weight.attr);
        let mut name = base.clone();
        let mut number = 0;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{base}_{number}");
        }
        found.push((name, weight));
    }
    if layer.is_model() {
        for inner in layer.layers_inside() {
            let path = join(&path, inner.name());
            gather(&inner, path, seen, taken, found);
        }
        return;
    }
    for (attr, child) in layer.sublayers() {
        follow(&child, join(&path, &attr), seen, taken, found);
    }
}

fn follow(
    child: &Tracked,
    path: String,
    seen: &mut HashSet<usize>,
    taken: &mut HashSet<String>,
    found: &mut Vec<(String, Weight)>,
) {
    match child {
        Tracked::Layer(layer) => gather(layer, path, seen, taken, found),
        Tracked::Container(elements) => {
            for (key, element) in elements {
                follow(element, join(&path, key), seen, taken, found);
            }
        }
        Tracked::Variable(_) | Tracked::Object(_) => {}
    }
}
