//! The declaration of an operation.

use std::any::Any;
use std::fmt;

use kerox_tensor::{Buffer, DType, Element, Shape, Tensor};

use crate::interpreter::{RunContext, RuntimeValue};
use crate::{Attr, Dims, Error, Graph, NodeId, Result, Value, ValueInfo};

/// One kind of operation with its attributes: everything the graph needs to know about it stands in its declaration.
///
/// Shapes and names are TensorFlow's. An operation that TensorFlow lacks (a fused layer, the gradient of one) says in
/// [`Op::lower`] what it is made of.
pub trait Op: AsDyn + fmt::Debug + Any + Send + Sync {
    /// TensorFlow's name, or one starting with `_` where TensorFlow has no such operation.
    fn name(&self) -> &'static str;

    /// The attributes as TensorFlow names them, those of types included (`T`, `dtype`).
    fn attrs(&self, _inputs: &[ValueInfo], _outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        Vec::new()
    }

    /// The generator of random numbers that a run draws from; its state is part of where a program stands.
    fn generator(&self) -> Option<&crate::Generator> {
        None
    }

    /// Types, shapes and, where they are known, elements of the outputs.
    ///
    /// With fully known input shapes (and, for inputs that hold shapes, elements) the result must be fully known, else
    /// the operation can only be interpreted.
    ///
    /// # Errors
    /// [`Error::Argument`] where the inputs do not fit.
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>>;

    /// Computes the outputs, whose types and shapes are what [`Op::infer`] said. Must not allocate.
    ///
    /// # Errors
    /// Where the elements of the inputs do not fit (an index out of range).
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()>;

    /// Computes the outputs in an interpreter. Operations on lists, resources and strings and those whose output
    /// shapes depend on elements override this; all others inherit a call of [`Op::infer`] and [`Op::run`].
    ///
    /// # Errors
    /// As [`Op::run`].
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        cx.run_static(self.as_dyn(), inputs)
    }

    /// Adds to the graph the gradients with respect to the inputs; `None` where an output does not depend on an input
    /// or the input is not differentiable (indices, shapes).
    ///
    /// # Errors
    /// [`Error::NoGradient`] unless overridden.
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Err(Error::NoGradient { op: self.name().into(), node: cx.node_name().into() })
    }

    /// Replaces the operation by TensorFlow's own ones, for export. `None` where it is one of them.
    ///
    /// # Errors
    /// [`Error::Argument`] where TensorFlow cannot express it.
    fn lower(&self, _g: &mut Graph, _inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        Ok(None)
    }

    /// Whether the outputs depend on nothing but the inputs and nothing else is changed. Only such operations are
    /// folded or left out.
    fn is_pure(&self) -> bool {
        true
    }

    /// Whether an output takes over the elements of an input, only under another shape (Reshape, Identity).
    fn is_alias(&self) -> bool {
        false
    }

    /// Pairs of input and output that may share memory: [`Run::input`] then finds [`Data::InPlace`].
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[]
    }

    /// Whether the kernel looks at the elements of that input, or only at its shape.
    fn reads(&self, _input: usize) -> bool {
        true
    }

    /// Elements of scratch memory [`Run::scratch`] needs, of the type of the first output.
    fn scratch(&self, _inputs: &[&Shape], _outputs: &[&Shape]) -> usize {
        0
    }

    /// Whether the kernel computes with f16 and bf16 itself; if not, plans put casts to f32 around it.
    fn takes_half(&self) -> bool {
        false
    }
}

/// Every [`Op`] as a trait object; implemented for all of them.
pub trait AsDyn {
    /// `self` as a trait object.
    fn as_dyn(&self) -> &dyn Op;
}

impl<T: Op> AsDyn for T {
    fn as_dyn(&self) -> &dyn Op {
        self
    }
}

/// The inputs of a node while its outputs are inferred.
pub struct Infer<'a> {
    op: &'static str,
    node: &'a str,
    inputs: &'a [ValueInfo],
}

impl<'a> Infer<'a> {
    /// The inputs of an operation in a node of that name.
    pub fn new(op: &'static str, node: &'a str, inputs: &'a [ValueInfo]) -> Infer<'a> {
        Infer { op, node, inputs }
    }

    /// All inputs.
    pub fn inputs(&self) -> &'a [ValueInfo] {
        self.inputs
    }

    /// Input `i`.
    ///
    /// # Errors
    /// [`Error::Argument`] where there are not so many.
    pub fn input(&self, i: usize) -> Result<&'a ValueInfo> {
        self.inputs
            .get(i)
            .ok_or_else(|| self.wrong("inputs", format!("at least {}", i + 1), format!("{} inputs", self.inputs.len())))
    }

    /// Type of input `i`.
    ///
    /// # Errors
    /// As [`Infer::input`].
    pub fn dtype(&self, i: usize) -> Result<DType> {
        Ok(self.input(i)?.dtype)
    }

    /// Shape of input `i`.
    ///
    /// # Errors
    /// As [`Infer::input`].
    pub fn dims(&self, i: usize) -> Result<&'a Dims> {
        Ok(&self.input(i)?.dims)
    }

    /// Checks that there are exactly `n` inputs.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn arity(&self, n: usize) -> Result<()> {
        if self.inputs.len() == n {
            return Ok(());
        }
        Err(self.wrong("inputs", n.to_string(), self.inputs.len().to_string()))
    }

    /// Checks that the inputs all have the type of the first, and gives it.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn same_dtype(&self) -> Result<DType> {
        let first = self.dtype(0)?;
        match self.inputs.iter().position(|input| input.dtype != first) {
            None => Ok(first),
            Some(i) => Err(self.wrong(&format!("input {i}"), first.to_string(), self.inputs[i].dtype.to_string())),
        }
    }

    /// Checks that input `i` has `rank` axes (if that is known) and gives them, unknown ones where nothing is known.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn of_rank(&self, i: usize, rank: usize) -> Result<Dims> {
        let dims = self.dims(i)?;
        dims.merge(&Dims::of_rank(rank))
            .ok_or_else(|| self.wrong(&format!("input {i}"), format!("{rank} axes"), format!("shape {dims}")))
    }

    /// The elements of integer input `i` as far as known; `None` where not even their number is.
    ///
    /// # Errors
    /// [`Error::Argument`] where the input is missing or of another type than int32 and int64.
    pub fn ints(&self, i: usize) -> Result<Option<Vec<Option<i64>>>> {
        let info = self.input(i)?;
        if !matches!(info.dtype, DType::I32 | DType::I64) {
            return Err(self.wrong(&format!("input {i}"), "int32 or int64", info.dtype.to_string()));
        }
        Ok(info.ints())
    }

    /// Checks that input `i` has elements of type `dtype`.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn of_dtype(&self, i: usize, dtype: DType) -> Result<()> {
        let found = self.dtype(i)?;
        if found == dtype {
            return Ok(());
        }
        Err(self.wrong(&format!("input {i}"), dtype.to_string(), found.to_string()))
    }

    /// Checks that input `i` has floating-point elements and gives their type.
    ///
    /// # Errors
    /// [`Error::Argument`].
    pub fn float(&self, i: usize) -> Result<DType> {
        let found = self.dtype(i)?;
        if found.is_float() {
            return Ok(found);
        }
        Err(self.wrong(&format!("input {i}"), "a floating-point type", found.to_string()))
    }

    /// An error about an input or attribute of this node.
    pub fn wrong(&self, argument: &str, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Argument {
            op: self.op.to_string(),
            node: self.node.to_string(),
            argument: argument.to_string(),
            expected: expected.into(),
            found: found.into(),
        }
    }
}

/// The elements of a kernel's input.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// They are here; the buffer may be longer than the shape.
    Elements(&'a Buffer),
    /// They are in that output, which is to be changed in place.
    InPlace(usize),
    /// The kernel said it would not look at them.
    ShapeOnly,
}

/// An input of a kernel.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The lengths of the axes.
    pub shape: &'a Shape,
    /// The elements.
    pub data: Data<'a>,
}

impl<'a> View<'a> {
    /// A view of a whole tensor.
    pub fn of(tensor: &'a Tensor) -> View<'a> {
        View { shape: tensor.shape(), data: Data::Elements(tensor.buffer()) }
    }

    /// The elements in row-major order; `None` where the input is in place or only its shape was asked for.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::DType`] where they are of another type.
    pub fn get<T: Element>(&self) -> Result<Option<&'a [T]>> {
        let Data::Elements(buffer) = self.data else { return Ok(None) };
        match T::slice(buffer) {
            Some(slice) => Ok(slice.get(..self.shape.elements())),
            None => Err(kerox_tensor::Error::DType { expected: T::DTYPE, found: buffer.dtype() }.into()),
        }
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::DType`] where they are of another type or not there.
    pub fn slice<T: Element>(&self) -> Result<&'a [T]> {
        let found = self.dtype().unwrap_or(DType::Variant);
        self.get()?.ok_or_else(|| kerox_tensor::Error::DType { expected: T::DTYPE, found }.into())
    }

    /// The type of the elements, if they are here.
    pub fn dtype(&self) -> Option<DType> {
        match self.data {
            Data::Elements(buffer) => Some(buffer.dtype()),
            _ => None,
        }
    }

    /// A copy as a tensor.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::DType`] where the elements are not here.
    pub fn tensor(&self) -> Result<Tensor> {
        let Data::Elements(buffer) = self.data else {
            return Err(kerox_tensor::Error::NoStorage { dtype: DType::Variant }.into());
        };
        let n = self.shape.elements();
        kerox_tensor::each_buffer!(buffer, v => Ok(Tensor::from_vec(v[..n].to_vec(), self.shape.clone())?))
    }
}

/// An output of a kernel.
#[derive(Debug)]
pub struct ViewMut<'a> {
    /// The lengths of the axes.
    pub shape: &'a Shape,
    /// The elements; the buffer may be longer than the shape.
    pub buffer: &'a mut Buffer,
}

impl ViewMut<'_> {
    /// The elements in row-major order, to be written.
    ///
    /// # Errors
    /// [`kerox_tensor::Error::DType`] where they are of another type.
    pub fn slice<T: Element>(&mut self) -> Result<&mut [T]> {
        let found = self.buffer.dtype();
        let n = self.shape.elements();
        T::slice_mut(self.buffer)
            .and_then(|v| v.get_mut(..n))
            .ok_or_else(|| kerox_tensor::Error::DType { expected: T::DTYPE, found }.into())
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.buffer.dtype()
    }
}

/// Inputs, outputs and scratch memory of one kernel call.
pub struct Run<'r, 'a> {
    /// The inputs.
    pub inputs: &'r [View<'a>],
    /// The outputs, of the types and shapes inferred.
    pub outputs: &'r mut [ViewMut<'a>],
    /// Memory of at least the length [`Op::scratch`] asked for, with whatever elements.
    pub scratch: &'r mut Buffer,
}

impl<'a> Run<'_, 'a> {
    /// Input `i`.
    ///
    /// # Panics
    /// Where there is none: [`Op::infer`] has checked their number.
    pub fn input(&self, i: usize) -> View<'a> {
        self.inputs[i]
    }

    /// The type of the first output, by which most kernels are chosen.
    pub fn dtype(&self) -> DType {
        self.outputs[0].dtype()
    }
}

/// What a gradient is made from: the node's inputs and outputs and the gradients of the outputs.
pub struct Grad<'a> {
    /// The graph to add to.
    pub g: &'a mut Graph,
    /// The inputs of the differentiated node.
    pub inputs: &'a [Value],
    /// Its outputs.
    pub outputs: &'a [Value],
    /// The gradients of the outputs; `None` where nothing depends on an output.
    pub upstream: &'a [Option<Value>],
    pub(crate) node: NodeId,
}

impl Grad<'_> {
    /// The name of the differentiated node.
    pub fn node_name(&self) -> &str {
        &self.g.node(self.node).name
    }

    /// The gradient of output `i`, zeros where nothing depends on it.
    ///
    /// # Errors
    /// Those of adding a node.
    pub fn upstream(&mut self, i: usize) -> Result<Value> {
        match self.upstream[i] {
            Some(value) => Ok(value),
            None => self.g.zeros_like(self.outputs[i]),
        }
    }
}
