//! Lists of tensors. A list nobody else holds is changed in place.

use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::{argument, for_any};
use super::dynamic::{Arguments, int_tensor, partial_input, partial_tensor};
use crate::{Attr, Attrs, Dims, Error, Infer, Op, Result, Run, RunContext, RuntimeValue, TensorList, ValueInfo, View};

/// What a [`ListOp`] does with its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// `EmptyTensorList(element_shape, max_num_elements)`
    Empty,
    /// `TensorListReserve(element_shape, num_elements)`: elements that are yet to be set.
    Reserve,
    /// `TensorListFromTensor(tensor, element_shape)`: a tensor taken apart along its first axis.
    FromTensor,
    /// `TensorListGetItem(list, index, element_shape)`
    GetItem,
    /// `TensorListSetItem(list, index, item)`; whether the list grows as needed.
    SetItem(bool),
    /// `TensorListStack(list, element_shape)`: all elements as one tensor.
    Stack,
    /// `TensorListGather(list, indices, element_shape)`: some elements as one tensor.
    Gather,
    /// `TensorListPushBack(list, item)`
    PushBack,
    /// `TensorListPopBack(list, element_shape)`
    PopBack,
    /// `TensorListLength(list)`
    Length,
    /// `TensorListConcat(list)` and `TensorListConcatV2(list, element_shape, leading_dims)`: all elements joined along
    /// their first axis, and their lengths along it.
    Concat(bool),
    /// `TensorListElementShape(list)`
    ElementShape,
    /// `TensorListResize(list, size)`
    Resize,
}

/// A `TensorList*` operation.
#[derive(Clone, Debug)]
pub struct ListOp {
    /// What it does.
    pub kind: ListKind,
    /// The type of the elements; of [`ListKind::ElementShape`] the type of the result.
    pub element: DType,
    /// What the attribute `element_shape` says of the elements.
    pub dims: Dims,
}

/// Elements a list may have: a graph from outside can ask for any number.
const MAX_ITEMS: usize = 1 << 24;
/// Elements a tensor made of a list may have.
const MAX_ELEMENTS: usize = 1 << 31;

fn entry(kind: ListKind) -> impl Fn(&Attrs) -> Result<Arc<dyn Op>> {
    move |a| {
        let kind = match kind {
            ListKind::SetItem(_) => ListKind::SetItem(a.bool_or("resize_if_index_out_of_bounds", false)?),
            other => other,
        };
        let named = if kind == ListKind::ElementShape { "shape_type" } else { "element_dtype" };
        let element = a.dtype_or(named, DType::Variant)?;
        let dims = if a.has("element_shape") { a.shape("element_shape")? } else { Dims::unknown() };
        Ok(Arc::new(ListOp { kind, element, dims }))
    }
}

macro_rules! entries {
    ($($name:literal $signature:literal $kind:expr;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] = &[$(
            Declaration { name: $name, signature: $signature, build: |a| entry($kind)(a) },
        )*];
    };
}
// A line expands to an entry of the table: name, signature, kind.
entries! {
    "EmptyTensorList" "element_shape, max_num_elements -> handle" ListKind::Empty;
    "TensorListReserve" "element_shape, num_elements -> handle" ListKind::Reserve;
    "TensorListFromTensor" "tensor, element_shape -> output_handle" ListKind::FromTensor;
    "TensorListGetItem" "input_handle, index, element_shape -> item" ListKind::GetItem;
    "TensorListSetItem" "input_handle, index, item -> output_handle" ListKind::SetItem(false);
    "TensorListStack" "input_handle, element_shape -> tensor" ListKind::Stack;
    "TensorListGather" "input_handle, indices, element_shape -> values" ListKind::Gather;
    "TensorListPushBack" "input_handle, tensor -> output_handle" ListKind::PushBack;
    "TensorListPopBack" "input_handle, element_shape -> output_handle, tensor" ListKind::PopBack;
    "TensorListLength" "input_handle -> length" ListKind::Length;
    "TensorListConcat" "input_handle -> tensor, lengths" ListKind::Concat(false);
    "TensorListConcatV2" "input_handle, element_shape, leading_dims -> tensor, lengths" ListKind::Concat(true);
    "TensorListElementShape" "input_handle -> element_shape" ListKind::ElementShape;
    "TensorListResize" "input_handle, size -> output_handle" ListKind::Resize;
}

/// The list in the next input.
fn list(arguments: &mut Arguments) -> Result<Arc<TensorList>> {
    match arguments.value()? {
        RuntimeValue::List(list) => Ok(list),
        _ => Err(arguments.wrong("a list of tensors", "something else")),
    }
}

fn position(arguments: &mut Arguments, length: usize) -> Result<usize> {
    let index = arguments.int()?;
    let at = usize::try_from(index).ok().filter(|&at| at < length);
    at.ok_or_else(|| arguments.wrong(format!("an index in 0..{length}"), index.to_string()))
}

fn count(arguments: &mut Arguments) -> Result<usize> {
    let n = arguments.int()?;
    let count = usize::try_from(n).ok().filter(|&n| n <= MAX_ITEMS);
    count.ok_or_else(|| arguments.wrong(format!("a number of elements up to {MAX_ITEMS}"), n.to_string()))
}

impl ListOp {
    fn check(&self, arguments: &Arguments, list: &TensorList, item: &Tensor) -> Result<()> {
        if item.dtype() == list.dtype && list.element.admits(item.shape()) {
            return Ok(());
        }
        let expected = format!("{} {}", list.dtype, list.element);
        Err(arguments.wrong(expected, format!("{} {}", item.dtype(), item.shape())))
    }

    /// The shape of elements that were never set.
    fn shape_of_unset(&self, arguments: &Arguments, list: &TensorList, asked: &Dims) -> Result<Shape> {
        let mut dims = asked.merge(&list.element);
        for item in list.items.iter().flatten() {
            dims = dims.and_then(|dims| dims.merge(&Dims::from(item.shape())));
        }
        let shape = dims.as_ref().and_then(Dims::shape);
        let shape = shape.ok_or_else(|| {
            let found = dims.map_or("contradicting shapes".to_string(), |dims| dims.to_string());
            arguments.wrong("a known shape for elements that were never set", found)
        })?;
        if shape.checked_elements()? > MAX_ELEMENTS {
            return Err(arguments.wrong(format!("at most {MAX_ELEMENTS} elements"), shape.to_string()));
        }
        Ok(shape)
    }

    fn item(&self, arguments: &Arguments, list: &TensorList, at: usize, asked: &Dims) -> Result<Tensor> {
        match list.items.get(at).cloned().flatten() {
            Some(item) => Ok(item),
            None => Ok(Tensor::zeros(list.dtype, self.shape_of_unset(arguments, list, asked)?)?),
        }
    }

    /// Some elements behind one another.
    fn join(
        &self,
        arguments: &Arguments,
        list: &TensorList,
        positions: impl ExactSizeIterator<Item = usize>,
        asked: &Dims,
        dtype: DType,
    ) -> Result<Tensor> {
        let n = positions.len();
        let items = positions.map(|at| self.item(arguments, list, at, asked)).collect::<Result<Vec<_>>>()?;
        let shape = match items.first() {
            Some(first) => first.shape().clone(),
            None => self.shape_of_unset(arguments, list, asked)?,
        };
        if let Some(other) = items.iter().find(|item| *item.shape() != shape) {
            return Err(arguments.wrong(format!("elements of one shape ({shape})"), other.shape().to_string()));
        }
        let whole: Shape = std::iter::once(n).chain(shape.iter().copied()).collect();
        append(self.name(), &items, dtype, whole)
    }

    fn concat(&self, arguments: &Arguments, list: &TensorList, asked: &Dims) -> Result<Vec<RuntimeValue>> {
        let items =
            (0..list.items.len()).map(|at| self.item(arguments, list, at, asked)).collect::<Result<Vec<_>>>()?;
        let inner: Option<Shape> = match items.first() {
            Some(first) => first.shape().get(1..).map(|axes| axes.iter().copied().collect()),
            None => asked.axes().and_then(|axes| axes.get(1..)?.iter().copied().collect()),
        };
        let inner = inner.ok_or_else(|| arguments.wrong("elements with at least 1 axis", "a scalar or none"))?;
        let mut lengths = Vec::with_capacity(items.len());
        for item in &items {
            match item.shape().split_first() {
                Some((first, rest)) if *rest == *inner => lengths.push(*first as i64),
                _ => return Err(arguments.wrong(format!("elements (_, {inner})"), item.shape().to_string())),
            }
        }
        let total = lengths.iter().sum::<i64>() as usize;
        let whole: Shape = std::iter::once(total).chain(inner.iter().copied()).collect();
        let joined = append(self.name(), &items, list.dtype, whole)?;
        let n = lengths.len();
        Ok(vec![joined.into(), Tensor::from_vec(lengths, [n])?.into()])
    }
}

/// The elements of some tensors behind one another.
fn append(op: &str, items: &[Tensor], dtype: DType, shape: Shape) -> Result<Tensor> {
    let n = shape.checked_elements()?;
    if n > MAX_ELEMENTS {
        return Err(Error::Limit { node: op.into(), what: "elements in one tensor".into(), limit: MAX_ELEMENTS });
    }
    for_any!(dtype, op, T => {
        let mut all: Vec<T> = Vec::with_capacity(n);
        for item in items {
            all.extend_from_slice(item.as_slice::<T>()?);
        }
        Ok(Tensor::from_vec(all, shape)?)
    })
}

impl Op for ListOp {
    fn name(&self) -> &'static str {
        match self.kind {
            ListKind::Empty => "EmptyTensorList",
            ListKind::Reserve => "TensorListReserve",
            ListKind::FromTensor => "TensorListFromTensor",
            ListKind::GetItem => "TensorListGetItem",
            ListKind::SetItem(_) => "TensorListSetItem",
            ListKind::Stack => "TensorListStack",
            ListKind::Gather => "TensorListGather",
            ListKind::PushBack => "TensorListPushBack",
            ListKind::PopBack => "TensorListPopBack",
            ListKind::Length => "TensorListLength",
            ListKind::Concat(false) => "TensorListConcat",
            ListKind::Concat(true) => "TensorListConcatV2",
            ListKind::ElementShape => "TensorListElementShape",
            ListKind::Resize => "TensorListResize",
        }
    }
    fn attrs(&self, _: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = Vec::new();
        if !matches!(self.kind, ListKind::Length | ListKind::ElementShape | ListKind::Resize) {
            attrs.push(("element_dtype", Attr::Type(self.element)));
        }
        match self.kind {
            ListKind::SetItem(grows) => attrs.push(("resize_if_index_out_of_bounds", Attr::Bool(grows))),
            ListKind::Stack => attrs.push(("num_elements", Attr::Int(-1))),
            ListKind::Concat(false) => attrs.push(("element_shape", Attr::Shape(self.dims.clone()))),
            ListKind::ElementShape => attrs.push(("shape_type", Attr::Type(outputs[0].dtype))),
            _ => {}
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let handle = || ValueInfo::new(DType::Variant, Dims::scalar());
        let stacked = |dims: Dims| match dims.axes() {
            Some(axes) => std::iter::once(None).chain(axes.iter().copied()).collect(),
            None => Dims::unknown(),
        };
        Ok(match self.kind {
            ListKind::GetItem => vec![ValueInfo::new(self.element, partial_input(cx, 2)?)],
            ListKind::Stack => vec![ValueInfo::new(self.element, stacked(partial_input(cx, 1)?))],
            ListKind::Gather => vec![ValueInfo::new(self.element, stacked(partial_input(cx, 2)?))],
            ListKind::PopBack => vec![handle(), ValueInfo::new(self.element, partial_input(cx, 1)?)],
            ListKind::Length => vec![ValueInfo::new(DType::I32, Dims::scalar())],
            ListKind::Concat(_) => {
                vec![ValueInfo::new(self.element, Dims::unknown()), ValueInfo::new(DType::I64, Dims::of_rank(1))]
            }
            ListKind::ElementShape => {
                vec![ValueInfo::new(if self.element == DType::I64 { DType::I64 } else { DType::I32 }, Dims::unknown())]
            }
            _ => {
                cx.input(0)?;
                vec![handle()]
            }
        })
    }
    fn run(&self, _: &mut Run<'_, '_>) -> Result<()> {
        Err(argument(self.name(), "", "operation", "an interpreter", "a plan"))
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let a = &mut Arguments::new(self.name(), cx, inputs);
        let made = |list: TensorList| Ok(vec![RuntimeValue::List(Arc::new(list))]);
        match self.kind {
            ListKind::Empty => {
                let element = partial_tensor(&a.tensor()?);
                return made(TensorList { dtype: self.element, element, items: Vec::new() });
            }
            ListKind::Reserve => {
                let element = partial_tensor(&a.tensor()?);
                let items = vec![None; count(a)?];
                return made(TensorList { dtype: self.element, element, items });
            }
            ListKind::FromTensor => {
                let tensor = a.tensor()?;
                let element = partial_tensor(&a.tensor()?);
                let items = take_apart(self.name(), &tensor, a)?;
                let list = TensorList { dtype: tensor.dtype(), element, items };
                if let Some(item) = list.items.iter().flatten().next() {
                    self.check(a, &list, item)?;
                }
                return made(list);
            }
            _ => {}
        }
        let mut list = list(a)?;
        Ok(match self.kind {
            ListKind::GetItem => {
                let at = position(a, list.items.len())?;
                let asked = partial_tensor(&a.tensor()?);
                vec![self.item(a, &list, at, &asked)?.into()]
            }
            ListKind::SetItem(grows) => {
                let at = position(a, if grows { MAX_ITEMS } else { list.items.len() })?;
                let item = a.tensor()?;
                self.check(a, &list, &item)?;
                let items = &mut Arc::make_mut(&mut list).items;
                if at >= items.len() {
                    items.resize(at + 1, None);
                }
                items[at] = Some(item);
                vec![RuntimeValue::List(list)]
            }
            ListKind::Stack => {
                let asked = partial_tensor(&a.tensor()?);
                vec![self.join(a, &list, 0..list.items.len(), &asked, list.dtype)?.into()]
            }
            ListKind::Gather => {
                let positions = a.ints()?.into_iter().map(|i| {
                    let at = usize::try_from(i).ok().filter(|&at| at < list.items.len());
                    at.ok_or_else(|| a.wrong(format!("indices in 0..{}", list.items.len()), i.to_string()))
                });
                let positions = positions.collect::<Result<Vec<_>>>()?;
                let asked = partial_tensor(&a.tensor()?);
                vec![self.join(a, &list, positions.into_iter(), &asked, list.dtype)?.into()]
            }
            ListKind::PushBack => {
                let item = a.tensor()?;
                self.check(a, &list, &item)?;
                if list.items.len() >= MAX_ITEMS {
                    return Err(a.wrong(format!("at most {MAX_ITEMS} elements"), "one more"));
                }
                Arc::make_mut(&mut list).items.push(Some(item));
                vec![RuntimeValue::List(list)]
            }
            ListKind::PopBack => {
                let asked = partial_tensor(&a.tensor()?);
                let last = list.items.len().checked_sub(1).ok_or_else(|| a.wrong("an element", "an empty list"))?;
                let item = self.item(a, &list, last, &asked)?;
                Arc::make_mut(&mut list).items.truncate(last);
                vec![RuntimeValue::List(list), item.into()]
            }
            ListKind::Length => vec![Tensor::scalar(list.items.len() as i32).into()],
            ListKind::Concat(has_shape) => {
                let asked = if has_shape { partial_tensor(&a.tensor()?) } else { self.dims.clone() };
                self.concat(a, &list, &asked)?
            }
            ListKind::ElementShape => {
                let shape = match list.element.axes() {
                    Some(axes) => axes.iter().map(|a| a.map_or(-1, |a| a as i64)).collect(),
                    None => return Ok(vec![int_tensor(vec![-1], self.element, Shape::scalar())?.into()]),
                };
                let rank = list.element.rank().unwrap_or(0);
                vec![int_tensor(shape, self.element, [rank])?.into()]
            }
            ListKind::Resize => {
                let n = count(a)?;
                Arc::make_mut(&mut list).items.resize(n, None);
                vec![RuntimeValue::List(list)]
            }
            ListKind::Empty | ListKind::Reserve | ListKind::FromTensor => Vec::new(),
        })
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// The parts of a tensor along its first axis.
fn take_apart(op: &str, tensor: &Tensor, arguments: &Arguments) -> Result<Vec<Option<Tensor>>> {
    let Some((&n, inner)) = tensor.shape().split_first() else {
        return Err(arguments.wrong("a tensor with at least 1 axis", "a scalar"));
    };
    if n > MAX_ITEMS {
        return Err(arguments.wrong(format!("at most {MAX_ITEMS} elements"), n.to_string()));
    }
    let inner: Shape = inner.iter().copied().collect();
    let length = inner.elements();
    let view = View::of(tensor);
    for_any!(tensor.dtype(), op, T => {
        let all = view.slice::<T>()?;
        (0..n).map(|i| Ok(Some(Tensor::from_vec(all[i * length..(i + 1) * length].to_vec(), inner.clone())?))).collect()
    })
}
