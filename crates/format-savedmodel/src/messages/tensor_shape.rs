//! tensorflow/core/framework/tensor_shape.proto

message! {
    /// The lengths of a tensor's axes, some or all of which may be unknown.
    TensorShapeProto {
        /// The axes; without meaning when the rank is unknown.
        repeated 2 dim: Dim,
        /// Whether not even the number of axes is known.
        single 3 unknown_rank: bool,
    }
}

message! {
    /// One axis.
    Dim {
        /// Its length; -1 when unknown.
        single 1 size: i64,
        /// Its name, if it has one.
        single 2 name: String,
    }
}

impl TensorShapeProto {
    /// A shape from the lengths of its axes, `None` for those unknown.
    pub fn from_dims(dims: &[Option<u64>]) -> TensorShapeProto {
        let size = |length: &Option<u64>| length.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1);
        let dim = dims.iter().map(|length| Dim { size: size(length), ..Dim::default() }).collect();
        TensorShapeProto { dim, ..TensorShapeProto::default() }
    }

    /// The shape of which nothing is known.
    pub fn unknown() -> TensorShapeProto {
        TensorShapeProto { unknown_rank: true, ..TensorShapeProto::default() }
    }

    /// The lengths of the axes, `None` for those unknown (any negative length); `None` altogether when the rank is.
    pub fn dims(&self) -> Option<Vec<Option<u64>>> {
        (!self.unknown_rank).then(|| self.dim.iter().map(|dim| u64::try_from(dim.size).ok()).collect())
    }
}
