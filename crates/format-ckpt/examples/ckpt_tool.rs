//! Lists checkpoints, copies them object by object, writes samples: the other side of the checks against TensorFlow.
//!
//! ```text
//! ckpt_tool list PREFIX             a line a tensor: key, type, shape, bytes in hexadecimal
//! ckpt_tool copy FROM TO SHARDS     restores FROM into objects like those in the file and saves them to TO
//! ckpt_tool types PREFIX SHARDS     tensors of every type
//! ckpt_tool manage DIR COUNT        that many saves of a `CheckpointManager` that keeps two
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex;

use kerox_format_ckpt::{
    Checkpoint, CheckpointManager, CheckpointReader, ManagerOptions, WriteOptions, load_checkpoint, load_weights,
    save_weights, write_bundle,
};
use kerox_tensor::{Buffer, Child, DType, Slot, Tensor, Trackable, Variable, bf16, f16};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list", prefix] => list(prefix),
        ["copy", from, to, shards] => copy(from, to, shards.parse()?),
        ["types", prefix, shards] => types(prefix, shards.parse()?),
        ["manage", dir, count] => manage(dir, count.parse()?),
        _ => Err("expected: list PREFIX | copy FROM TO SHARDS | types PREFIX SHARDS | manage DIR COUNT".into()),
    }
}

fn list(prefix: &str) -> Result<(), Box<dyn Error>> {
    let reader = load_checkpoint(prefix)?;
    for key in reader.keys() {
        let tensor = reader.get_tensor(key)?;
        let bytes = match tensor.buffer() {
            Buffer::String(strings) => {
                strings.iter().flat_map(|s| [&(s.len() as u64).to_le_bytes(), &s[..]].concat()).collect()
            }
            buffer => buffer.as_bytes().unwrap_or_default().to_vec(),
        };
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        println!("{key}\t{}\t{}\t{hex}", tensor.dtype(), tensor.shape());
    }
    Ok(())
}

/// An object in the image of a node.
#[derive(Default)]
struct Image {
    children: Mutex<Vec<(String, Child)>>,
    slots: Mutex<Vec<Slot>>,
}

impl Trackable for Image {
    fn children(&self) -> Vec<(String, Child)> {
        self.children.lock().map(|children| children.clone()).unwrap_or_default()
    }
    fn slots(&self) -> Vec<Slot> {
        self.slots.lock().map(|slots| slots.clone()).unwrap_or_default()
    }
}

fn copy(from: &str, to: &str, shards: u32) -> Result<(), Box<dyn Error>> {
    let reader = CheckpointReader::open(from)?;
    let graph = reader.object_graph()?.ok_or("a name-based checkpoint has no objects")?;
    let images: Vec<Arc<Image>> = graph.nodes.iter().map(|_| Arc::default()).collect();
    let variables = graph
        .nodes
        .iter()
        .map(|node| {
            let Some(attribute) = node.attributes.first() else { return Ok(None) };
            let info = reader.info(&attribute.checkpoint_key)?;
            Ok(Some(Variable::new(&attribute.full_name, Tensor::zeros(info.dtype, info.shape)?, true)))
        })
        .collect::<Result<Vec<Option<Variable>>, Box<dyn Error>>>()?;
    let child = |id: usize| variables[id].clone().map_or_else(|| Child::Object(images[id].clone()), Child::Variable);
    for (id, (node, image)) in graph.nodes.iter().zip(&images).enumerate() {
        // The writer adds the root's edge to itself.
        let children = node.children.iter().filter(|(name, next)| !(id == 0 && name == "root" && *next == 0));
        *image.children.lock().map_err(|e| e.to_string())? =
            children.map(|(name, next)| (name.clone(), child(*next))).collect();
        let slots = node.slots.iter().filter_map(|slot| {
            let (original, variable) = (variables[slot.original].clone()?, variables[slot.slot].clone()?);
            Some(Slot { original, slot_name: slot.slot_name.clone(), variable })
        });
        *image.slots.lock().map_err(|e| e.to_string())? = slots.collect();
    }
    let root = images.first().ok_or("a graph without a root")?.clone();
    load_weights(root.clone(), from)?.assert_consumed()?;
    save_weights(root, to, &WriteOptions::new().shards(shards))?;
    Ok(())
}

fn types(prefix: &str, shards: u32) -> Result<(), Box<dyn Error>> {
    let mut tensors = Vec::new();
    for dtype in DType::STORABLE {
        let buffer = match dtype {
            DType::String => Buffer::String(vec![b"".to_vec(), vec![0, 255], vec![b'x'; 300]]),
            DType::Bool => Buffer::Bool(vec![true, false, true]),
            DType::F16 => Buffer::F16([1.5, -2.0, 0.1].map(f16::from_f32).to_vec()),
            DType::BF16 => Buffer::BF16([1.5, -2.0, 0.1].map(bf16::from_f32).to_vec()),
            DType::F32 => Buffer::F32(vec![1.5, -2.0, 0.1]),
            DType::F64 => Buffer::F64(vec![1.5, -2.0, 0.1]),
            other => {
                let bytes: Vec<u8> = (0..3 * other.size().unwrap_or(0)).map(|i| (i * 7 % 64) as u8).collect();
                Buffer::from_bytes(other, &bytes)?
            }
        };
        tensors.push((format!("all/{}", dtype.name()), Tensor::from_buffer(buffer, [1, 3])?));
        tensors.push((format!("empty/{}", dtype.name()), Tensor::zeros(dtype, [2, 0])?));
        tensors.push((format!("scalar/{}", dtype.name()), Tensor::zeros(dtype, [])?));
    }
    tensors.push(("large".into(), Tensor::from_vec((0..700_000).map(|i| i as f32).collect::<Vec<_>>(), [7, 100_000])?));
    write_bundle(prefix, &tensors, None, &WriteOptions::new().shards(shards))?;
    Ok(())
}

fn manage(dir: &str, count: i32) -> Result<(), Box<dyn Error>> {
    let weight = Variable::new("weight", Tensor::scalar(0f32), true);
    let checkpoint = Checkpoint::new().variable("weight", &weight);
    let mut manager = CheckpointManager::new(checkpoint, dir, ManagerOptions::new().max_to_keep(2))?;
    manager.restore_or_initialize()?;
    for _ in 0..count {
        let value = weight.value().to_scalar::<f32>()? + 1.0;
        weight.assign(Tensor::scalar(value))?;
        manager.save(None)?;
    }
    Ok(())
}
