//! The model's graph of objects and Keras's metadata.

use super::numbering::Numbering;
use super::{Kind, NodeId, SavedModelBuilder};
use crate::messages::saved_object_graph::{
    self, SavedAsset, SavedBareConcreteFunction, SavedConcreteFunction, SavedFunction, SavedResource, SavedUserObject,
    SavedVariable,
};
use crate::messages::trackable_object_graph::{ObjectReference, SlotVariableReference};
use crate::messages::{KerasObject, SavedMetadata, SavedObject, SavedObjectGraph, TensorShapeProto, VersionDef};
use crate::{Error, Result, Structured};

pub(super) fn build(builder: &SavedModelBuilder, numbering: &Numbering) -> Result<(SavedObjectGraph, SavedMetadata)> {
    let mut graph = SavedObjectGraph::default();
    let mut metadata = SavedMetadata::default();
    for (number, &id) in numbering.order.iter().enumerate() {
        let Some(node) = builder.nodes.get(id.0) else { continue };
        let mut object = SavedObject { kind: Some(kind(builder, &node.kind)?), ..SavedObject::default() };
        if matches!(node.kind, Kind::Table(_)) {
            object.registered_name = "tf.StaticHashTable".into();
        }
        for (name, child) in &node.children {
            if let Some(node_id) = numbering.number(*child) {
                object.children.push(ObjectReference { node_id, local_name: name.clone(), ..Default::default() });
            }
        }
        for (original, name, slot) in &node.slots {
            if let (Some(original), Some(slot)) = (numbering.number(*original), numbering.number(*slot)) {
                object.slot_variables.push(SlotVariableReference {
                    original_variable_node_id: original,
                    slot_name: name.clone(),
                    slot_variable_node_id: slot,
                    ..Default::default()
                });
            }
        }
        if let Kind::User { identifier, metadata: Some(json), .. } = &node.kind {
            let path = numbering.path(number);
            metadata.nodes.push(KerasObject {
                node_id: number as i32,
                node_path: std::iter::once("root").chain(path).collect::<Vec<_>>().join("."),
                identifier: identifier.clone(),
                metadata: json.to_string(),
                version: Some(Box::new(VersionDef::new(1, 1))),
                ..KerasObject::default()
            });
        }
        graph.nodes.push(object);
    }
    for concrete in &builder.concrete {
        let bound_inputs = concrete.captures.iter().map(|&id| captured(numbering, id, &concrete.name));
        let arguments = Structured::Tuple(vec![
            Structured::Tuple(concrete.args.clone()),
            Structured::Dict(concrete.kwargs.clone()),
        ]);
        let saved = SavedConcreteFunction {
            bound_inputs: bound_inputs.collect::<Result<_>>()?,
            canonicalized_input_signature: Some(Box::new(arguments.encode())),
            output_signature: Some(Box::new(concrete.output.encode())),
            ..SavedConcreteFunction::default()
        };
        graph.concrete_functions.insert(concrete.name.clone(), saved);
    }
    Ok((graph, metadata))
}

fn captured(numbering: &Numbering, id: NodeId, function: &str) -> Result<i32> {
    numbering.number(id).ok_or_else(|| {
        let expected = "captured objects that names lead to from the root";
        Error::build("function", format!("`{function}`"), expected, "one that none leads to")
    })
}

fn kind(builder: &SavedModelBuilder, kind: &Kind) -> Result<saved_object_graph::Kind> {
    Ok(match kind {
        Kind::User { identifier, producer, .. } => saved_object_graph::Kind::UserObject(SavedUserObject {
            identifier: identifier.clone(),
            version: Some(Box::new(VersionDef::new(*producer, 1))),
            ..SavedUserObject::default()
        }),
        Kind::Variable(data) => saved_object_graph::Kind::Variable(SavedVariable {
            dtype: data.dtype().into(),
            shape: Some(Box::new(TensorShapeProto::from_shape(data.value.shape()))),
            trainable: data.trainable,
            synchronization: data.synchronization,
            aggregation: data.aggregation,
            name: data.name.clone(),
            ..SavedVariable::default()
        }),
        Kind::Counts(_) => {
            let expected = "tables of counts in the checkpoint alone";
            return Err(Error::build("object", "table of counts", expected, "one that is a child"));
        }
        Kind::Table(_) => saved_object_graph::Kind::Resource(SavedResource::default()),
        Kind::Asset { place } => saved_object_graph::Kind::Asset(SavedAsset {
            asset_file_def_index: i32::try_from(*place).unwrap_or(i32::MAX),
            ..SavedAsset::default()
        }),
        Kind::Function { traces, spec } => {
            for trace in traces {
                builder.concrete_named(trace)?;
            }
            saved_object_graph::Kind::Function(SavedFunction {
                concrete_functions: traces.clone(),
                function_spec: Some(Box::new(spec.encode())),
                ..SavedFunction::default()
            })
        }
        Kind::Bare { function, keywords, positional, spec } => {
            builder.concrete_named(function)?;
            saved_object_graph::Kind::BareConcreteFunction(SavedBareConcreteFunction {
                concrete_function_name: function.clone(),
                argument_keywords: keywords.clone(),
                allowed_positional_arguments: *positional,
                function_spec: Some(Box::new(spec.encode())),
                ..SavedBareConcreteFunction::default()
            })
        }
    })
}
