//! The files of a model.

use std::path::Path;

use kerox_tensor::Tensor;

use super::numbering::Numbering;
use super::{Kind, NodeId, SavedModelBuilder, checkpoint, main_graph, object_graph, signatures};
use crate::messages::{MetaGraphDef, MetaInfoDef, SavedMetadata, SavedModelProto, TrackableObjectGraph};
use crate::model::check_asset_name;
use crate::wire::Message;
use crate::{ArgSpec, Error, Result};

/// What [`SavedModelBuilder::build`] makes.
#[derive(Clone, Debug)]
pub struct SavedModelFiles {
    /// The content of `saved_model.pb`.
    pub saved_model: SavedModelProto,
    /// The content of `keras_metadata.pb`; without nodes there is no such file.
    pub keras_metadata: SavedMetadata,
    /// The checkpoint `variables/variables`: keys and values.
    pub tensors: Vec<(String, Tensor)>,
    /// The checkpoint's entry `_CHECKPOINTABLE_OBJECT_GRAPH`.
    pub checkpoint_graph: TrackableObjectGraph,
    /// Files of the directory `assets`.
    pub assets: Vec<(String, Vec<u8>)>,
}

pub(super) fn build(builder: &SavedModelBuilder) -> Result<SavedModelFiles> {
    signatures::check_functions(builder)?;
    for (name, _) in &builder.assets {
        check_asset_name(name)?;
    }
    // Signatures are objects too.
    let mut builder = builder.clone();
    add_signature_objects(&mut builder)?;
    let builder = &builder;
    let resolved = signatures::resolve(builder)?;
    let numbering =
        Numbering::new(builder, |id: NodeId| builder.nodes.get(id.0).iter().flat_map(|n| &n.children).collect())?;
    let checkpoint = checkpoint::build(builder)?;
    let mut meta_graph = MetaGraphDef {
        meta_info_def: Some(Box::new(MetaInfoDef {
            tags: builder.tags.clone(),
            tensorflow_version: "2.15.0".into(),
            stripped_default_attrs: true,
            ..MetaInfoDef::default()
        })),
        ..MetaGraphDef::default()
    };
    let keys: Vec<(NodeId, String)> =
        checkpoint.keys.iter().filter(|(id, _)| numbering.number(*id).is_some()).cloned().collect();
    let tables = numbering.order.iter().copied().filter(|&id| builder.table_data(id).is_some()).collect::<Vec<_>>();
    main_graph::build(builder, &mut meta_graph, &keys, &tables, &resolved)?;
    let (objects, keras_metadata) = object_graph::build(builder, &numbering)?;
    meta_graph.object_graph_def = Some(Box::new(objects));
    let mut saved_model =
        SavedModelProto { saved_model_schema_version: 1, meta_graphs: vec![meta_graph], ..SavedModelProto::default() };
    saved_model.sort_maps();
    Ok(SavedModelFiles {
        saved_model,
        keras_metadata,
        tensors: checkpoint.tensors,
        checkpoint_graph: checkpoint.graph,
        assets: builder.assets.clone(),
    })
}

fn add_signature_objects(builder: &mut SavedModelBuilder) -> Result<()> {
    let map = builder.object("signature_map");
    builder.child(SavedModelBuilder::ROOT, "signatures", map);
    for (name, function) in builder.signatures.clone() {
        let mut keywords: Vec<String> =
            builder.concrete_named(&function)?.kwargs.iter().map(|(keyword, _)| keyword.clone()).collect();
        keywords.sort();
        let spec = ArgSpec { kwonlyargs: keywords.clone(), ..ArgSpec::default() };
        let positional = i64::from(keywords.len() == 1);
        let object = builder.add(Kind::Bare { function, keywords, positional, spec });
        builder.child(map, name, object);
    }
    Ok(())
}

impl SavedModelFiles {
    /// Writes all files but the checkpoint and the fingerprint, which follows from it, into a directory that is there. What is written is not put in place as a
    /// whole: give it a fresh directory.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write_without_variables(&self, dir: &Path) -> Result<()> {
        let assets = dir.join("assets");
        make_dir(&assets)?;
        write(&dir.join("saved_model.pb"), &self.saved_model.encode())?;
        if !self.keras_metadata.nodes.is_empty() {
            write(&dir.join("keras_metadata.pb"), &self.keras_metadata.encode())?;
        }
        for (name, content) in &self.assets {
            let path = assets.join(name);
            path.parent().map_or(Ok(()), make_dir)?;
            write(&path, content)?;
        }
        Ok(())
    }
}

fn make_dir(path: &Path) -> Result<()> {
    let error = |source| Error::Io { operation: "create directory", path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(error)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let error = |source| Error::Io { operation: "write", path: path.to_owned(), source };
    std::fs::write(path, bytes).map_err(error)
}
