//! A signature or function run over many samples.

use kerox_tensor::{DType, Shape, Tensor, each_buffer};

use crate::{Error, GraphFunction, Result};

impl GraphFunction {
    /// Runs the graph on all samples, `batch_size` at a time, and gives its named outputs.
    ///
    /// An input without a name is the next one that no other has. Numbers are brought to the type of their input where
    /// that loses no more than digits: integers to integers, and any number to a floating type. Where an input or output
    /// does not have samples along its first axis, or its number is fixed, all is run at once.
    ///
    /// # Errors
    /// As [`GraphFunction::call`]; [`Error::Argument`] where the inputs have different numbers of samples.
    ///
    /// # Example
    /// ```no_run
    /// use kerox_tensor::Tensor;
    /// let model = kerox_graph_def::saved_model::load("models/half_plus_two/1", &["serve"])?;
    /// let x = Tensor::zeros(kerox_tensor::DType::F64, [1000, 1])?;
    /// let outputs = model.signature("serving_default")?.predict(&[("", x)], 32)?;
    /// # Ok::<(), kerox_graph_def::Error>(())
    /// ```
    pub fn predict(&self, inputs: &[(&str, Tensor)], batch_size: usize) -> Result<Vec<(String, Tensor)>> {
        let inputs = self.assigned(inputs)?;
        let by_sample = |dims: &kerox_graph::Dims| dims.axes().is_some_and(|axes| axes.first() == Some(&None));
        let batched = self.inputs().chain(self.outputs()).all(|(_, _, dims)| by_sample(dims)) && !inputs.is_empty();
        let samples = inputs.iter().map(|(_, x)| x.shape().first().copied().unwrap_or(0)).collect::<Vec<_>>();
        let total = samples.first().copied().unwrap_or(0);
        if !batched || total <= batch_size.max(1) {
            return self.call(&inputs);
        }
        if let Some(other) = samples.iter().find(|&&n| n != total) {
            let expected = format!("inputs of {total} samples each");
            return Err(self.wrong(expected, format!("one of {other}")));
        }
        let mut whole: Vec<(String, Vec<Tensor>)> = Vec::new();
        let mut from = 0;
        while from < total {
            let to = total.min(from + batch_size.max(1));
            let part: Vec<(&str, Tensor)> =
                inputs.iter().map(|(name, x)| Ok((*name, rows(x, from, to)?))).collect::<Result<_>>()?;
            for (i, (name, y)) in self.call(&part)?.into_iter().enumerate() {
                // What does not follow the samples cannot be put together.
                if y.shape().first() != Some(&(to - from)) {
                    return self.call(&inputs);
                }
                match whole.get_mut(i) {
                    Some((_, parts)) => parts.push(y),
                    None => whole.push((name, vec![y])),
                }
            }
            from = to;
        }
        whole.into_iter().map(|(name, parts)| Ok((name, joined(&parts, total)?))).collect()
    }

    /// The inputs with their names and types.
    fn assigned<'a>(&'a self, inputs: &[(&'a str, Tensor)]) -> Result<Vec<(&'a str, Tensor)>> {
        let given = |name: &str| inputs.iter().any(|(other, _)| *other == name);
        let mut free = self.inputs().filter(|(name, ..)| !given(name));
        let mut found = Vec::with_capacity(inputs.len());
        for (name, tensor) in inputs {
            let known = match name.is_empty() {
                true => free.next(),
                false => self.inputs().find(|(known, ..)| known == name),
            };
            let Some((name, dtype, _)) = known else {
                let names: Vec<String> = self.inputs().map(|(name, ..)| format!("`{name}`")).collect();
                let expected = format!("{} inputs ({})", names.len(), names.join(", "));
                let found = if name.is_empty() { format!("{}", inputs.len()) } else { format!("`{name}`") };
                return Err(self.wrong(expected, found));
            };
            found.push((name, fitting(tensor, dtype)?));
        }
        Ok(found)
    }
}

/// The tensor in the type that is wanted, where the numbers stay what they are but for digits.
fn fitting(tensor: &Tensor, wanted: DType) -> Result<Tensor> {
    let own = tensor.dtype();
    let number = own.is_float() || own.is_integer();
    let loses_little = (own.is_integer() && wanted.is_integer()) || (number && wanted.is_float());
    if own == wanted || !loses_little {
        return Ok(tensor.clone());
    }
    let cast = tensor.cast(wanted)?;
    // An integer that does not fit the smaller type comes back as another.
    if wanted.is_integer() && cast.cast(own)? != *tensor {
        return Ok(tensor.clone());
    }
    Ok(cast)
}

fn with_first(shape: &Shape, first: usize) -> Shape {
    std::iter::once(first).chain(shape.iter().skip(1).copied()).collect()
}

/// Some of the samples.
fn rows(tensor: &Tensor, from: usize, to: usize) -> Result<Tensor> {
    let row: usize = tensor.shape().iter().skip(1).product();
    let shape = with_first(tensor.shape(), to - from);
    each_buffer!(tensor.buffer(), v => Ok(Tensor::from_vec(v[from * row..to * row].to_vec(), shape)?))
}

/// The samples of all parts, one after the other.
fn joined(parts: &[Tensor], total: usize) -> Result<Tensor> {
    let first = &parts[0];
    let shape = with_first(first.shape(), total);
    if let Some(other) = parts.iter().find(|part| part.shape()[1..] != first.shape()[1..]) {
        let expected = format!("batches of one shape {}", first.shape());
        let found = other.shape().to_string();
        return Err(Error::Argument { operation: "predict", name: "outputs".into(), expected, found });
    }
    each_buffer!(first.buffer(), v => {
        let mut all = v.to_vec();
        all.clear();
        for part in parts {
            all.extend_from_slice(part.as_slice()?);
        }
        Ok(Tensor::from_vec(all, shape)?)
    })
}
