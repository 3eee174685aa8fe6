//! The operations: one file a family, one declaration an operation.
//!
//! [`declarations`] lists those with a TensorFlow name; [`build`] makes one from a node's attributes.

#![allow(clippy::clone_on_copy, reason = "one body moves elements of every type, strings among them")]

mod atan2;
mod batch_norm;
mod bias;
mod binary;
mod bitcast;
mod bits;
mod boosted_trees;
mod boxes;
mod careful;
mod cast;
mod check_indices;
mod checks;
mod compare;
mod complex;
mod control;
mod conv;
mod cross;
mod ctc;
mod ctc_decode;
mod declaration;
mod decompose;
mod diagonals;
mod dispatch;
mod draws;
mod dynamic;
mod example;
mod fake_quant;
mod fourier;
mod fused;
mod gcd;
mod hash;
mod index;
mod join;
mod like;
mod linalg;
mod list;
mod lookup;
mod lookup_lower;
mod movement;
mod moves;
mod ngrams;
mod pick;
mod pool;
mod projective;
mod ragged;
mod random;
mod recurrent;
mod recurrent_grad;
mod recurrent_loop;
mod reduce;
mod resize;
mod resource;
mod sampling;
mod scatter;
mod segments;
mod shape;
mod slice;
mod softmax;
mod solve;
mod space;
mod sparse;
mod sparse_to_dense;
mod stateless;
mod step_loop;
mod strided;
mod strings;
mod structural;
mod table;
mod texts;
mod tokenize;
mod unary;
mod unicode;
mod whole;

pub use atan2::Atan2;
pub use batch_norm::{BatchNorm, BatchNormGrad, FusedBatchNorm};
pub use bias::{BiasAdd, BiasAddGrad};
pub use binary::{AddN, Binary, BinaryKind};
pub use bitcast::Bitcast;
pub use bits::{Bits, BitsKind};
pub use boosted_trees::BoostedTreesBucketize;
pub use careful::Careful;
pub use check_indices::CheckIndices;
pub use checks::{Assert as AssertTrue, CheckNumerics, IdentityN, NoOp, Print};
pub use compare::{Compare, IsNumber, Logical, LogicalKind, LogicalNot, NumberKind, Select};
pub use complex::{Complex, Conj, Part as ComplexPart};
pub use control::{Body, Branch, Call, While};
pub use conv::{Conv, ConvKind, Padding};
pub use cross::{HashedCross, SparseCross};
pub use ctc::CtcLoss;
pub use declaration::{Declaration, build, declarations, find};
pub use decompose::{Cholesky, Eigen, Lu, Qr, Svd};
pub use example::ParseExample;
pub use fourier::{Fourier, FourierKind};
pub use fused::Fused;
pub(crate) use fused::fuse;
pub use gcd::Gcd;
pub use index::{Gather, GatherGrad, GatherNd, InvertPermutation, OneHot, ScatterNd};
pub use join::{Concat, ConcatGrad, Pack, Split, SplitV, Unpack};
pub use kerox_tensor::kernels::binary::Comparison;
pub use kerox_tensor::kernels::pool::Pooling;
pub use kerox_tensor::kernels::resize::{Interpolation, ResizeKernel};
pub use like::{Fill, FillShape, LinSpace, OnesLike, Range, ReshapeLike, SumToLike, ZerosLike};
pub use linalg::{BatchMatMul, MatMul};
pub use list::{ListKind, ListOp};
pub use lookup::{IndexLookup, OutOfVocabulary, TokenLookup, TokenWeights, Tokens, Vocabulary, Weights};
pub use movement::{BroadcastTo, Pad, PadMode, Reverse, Tile, TileGrad, Transpose, Unpad};
pub use ngrams::StringNGrams;
pub use pick::{Clip, InTopK, TopK, TopKGrad, Unique, Where};
pub use pool::{Pool, PoolGrad};
pub use projective::{FillMode, Projective};
pub use ragged::{Bincount, Bucketize, Partition, RaggedToTensor};
pub use random::{Distribution, Dropout, DropoutGrad, Random};
pub use recurrent::{Recurrent, RecurrentKind};
pub use recurrent_grad::RecurrentGrad;
pub use reduce::{ArgExtreme, Cumulative, Reduce, ReduceGrad, ReduceKind, Spread};
pub use resize::{Resize, ResizeGrad, ScaleAndTranslate, ScaleAndTranslateGrad};
pub use resource::{HandleKind, ReadHandle, Update, UpdateVariable, VarHandle};
pub use sampling::{Gamma, Shuffle};
pub use scatter::{Combine, Scatter, Segment};
pub use shape::{EnsureShape, ExpandDims, Rank, Reshape, Shape, ShapeN, Size, Squeeze};
pub use slice::{Index, Slice, SliceGrad, StridedSlice, StridedSliceGrad};
pub use softmax::{CrossEntropy, L2Loss, SigmoidCrossEntropy, Softmax, SoftmaxGrad};
pub use solve::{Determinant, Inverse, Solve};
pub use space::{Batch as SpaceBatch, Depth as SpaceDepth};
pub use sparse_to_dense::SparseToDense;
pub use stateless::Stateless;
pub use step_loop::{LoopStep, StepLoop};
pub use strings::{AsString, Pattern, RegexReplace, StringJoin, StringKind, StringMap, StringSplit};
pub use structural::{Assign, Cast, Const, Identity, Placeholder, ReadVariable, StopGradient};
pub use table::{Column, Table, TableFile, TableHandle, TableKind, TableOp, TextFile};
pub use tokenize::{TextSplit, Tokenize, join_ngrams};
pub use unary::{Function, Unary, UnaryGrad};
pub use unicode::{UnicodeDecode, UnicodeEncode};

/// Every family's entries in the table.
const FAMILIES: &[&[Declaration]] = &[
    atan2::OPS,
    batch_norm::OPS,
    bias::OPS,
    binary::OPS,
    bitcast::OPS,
    bits::OPS,
    boosted_trees::OPS,
    boxes::OPS,
    careful::OPS,
    checks::OPS,
    compare::OPS,
    complex::OPS,
    control::OPS,
    conv::OPS,
    cross::OPS,
    ctc::OPS,
    ctc_decode::OPS,
    decompose::OPS,
    diagonals::OPS,
    draws::OPS,
    example::OPS,
    fake_quant::OPS,
    fourier::OPS,
    index::OPS,
    join::OPS,
    like::OPS,
    linalg::OPS,
    list::OPS,
    movement::OPS,
    moves::OPS,
    ngrams::OPS,
    pick::OPS,
    pool::OPS,
    projective::OPS,
    ragged::OPS,
    random::OPS,
    reduce::OPS,
    resize::OPS,
    resource::OPS,
    sampling::OPS,
    scatter::OPS,
    segments::OPS,
    shape::OPS,
    slice::OPS,
    softmax::OPS,
    solve::OPS,
    space::OPS,
    sparse::OPS,
    sparse_to_dense::OPS,
    stateless::OPS,
    strings::OPS,
    structural::OPS,
    table::OPS,
    texts::OPS,
    unary::OPS,
    unicode::OPS,
];
