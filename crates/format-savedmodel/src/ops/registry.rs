//! Operations by name.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::{OpSpec, parse, table};
use crate::messages::MetaGraphDef;

/// The operations this crate knows by itself.
pub fn known_ops() -> &'static HashMap<String, OpSpec> {
    static OPS: OnceLock<HashMap<String, OpSpec>> = OnceLock::new();
    OPS.get_or_init(|| table::TABLE.lines().filter_map(parse::line).map(|op| (op.name.clone(), op)).collect())
}

/// The operations a model can use: those known, those the model declares itself, and its functions.
#[derive(Clone, Debug, Default)]
pub struct OpRegistry {
    own: HashMap<String, OpSpec>,
}

impl OpRegistry {
    /// The operations of a meta graph.
    pub fn new(meta_graph: &MetaGraphDef) -> OpRegistry {
        let declared = meta_graph.meta_info_def.iter().filter_map(|info| info.stripped_op_list.as_ref());
        let library = meta_graph.graph_def.iter().filter_map(|graph| graph.library.as_ref());
        let functions = library.flat_map(|library| &library.function).filter_map(|f| f.signature.as_deref());
        // A model's own list has no defaults, so that the table goes first.
        let declared = declared.flat_map(|list| &list.op).filter(|op| !known_ops().contains_key(&op.name));
        let own = declared.chain(functions).map(|def| (def.name.clone(), OpSpec::from_op_def(def))).collect();
        OpRegistry { own }
    }

    /// An operation or function by name.
    pub fn get(&self, name: &str) -> Option<&OpSpec> {
        self.own.get(name).or_else(|| known_ops().get(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{AttrValue, DataType};
    use crate::ops::ArgType;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = table::TABLE.lines().filter(|line| !line.is_empty());
        for line in lines.clone() {
            assert!(parse::line(line).is_some(), "{line}");
        }
        assert_eq!(known_ops().len(), lines.count());
    }

    #[test]
    fn defaults_of_every_type() {
        let default = |op: &str, attr: &str| known_ops()[op].attr(attr).unwrap().default.clone();
        assert_eq!(default("Conv2D", "dilations"), Some(AttrValue::ints([1, 1, 1, 1])));
        assert_eq!(default("Conv2D", "data_format"), Some(AttrValue::string("NHWC")));
        assert_eq!(default("Conv2D", "padding"), None);
        assert_eq!(default("FusedBatchNormV3", "epsilon"), Some(AttrValue::float(0.0001)));
        assert_eq!(default("FusedBatchNormV3", "is_training"), Some(AttrValue::boolean(true)));
        assert_eq!(default("ArgMax", "output_type"), Some(AttrValue::dtype(DataType::DT_INT64)));
        assert_eq!(default("TensorListStack", "num_elements"), Some(AttrValue::int(-1)));
        assert!(default("Placeholder", "shape").unwrap().as_shape().unwrap().unknown_rank);
        let pack = &known_ops()["Pack"];
        assert_eq!(pack.inputs[0].number_attr.as_deref(), Some("N"));
        assert_eq!(known_ops()["Case"].inputs[1].ty, ArgType::List("Tin".into()));
        assert!(known_ops()["VarHandleOp"].stateful && !pack.stateful);
    }
}
