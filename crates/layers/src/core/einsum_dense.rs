//! `EinsumDense`: a product with a kernel along axes named by an equation.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Dim, Value, ValueInfo};
use kerox_tensor::Tensor;

use crate::arguments::{input_dims, one_input};
use crate::call::input_error;
use crate::einsum::einsum;
use crate::quantization::{Float8, InputGradient, InputQuantizer, QuantizedKernel};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    ActivationOptions, Args, Base, BiasOptions, Build, Call, Error, KernelOptions, Layer, LayerRef, Lora, LoraOptions,
    OutputOptions, Quantization, Regularizer, Result, WeightOptions, dims_to_json,
};

/// Multiplies the input with a kernel as an equation says: `abc,cd->abd` is a Dense layer over sequences.
///
/// # Arguments
/// `equation`: `[input],[kernel]->[output]`, a letter for each axis; `...` before or after the letters of input and
/// output stands for further axes. `output_shape`: the lengths of the output without the batch (and without the axes
/// of `...`); `None` where it is the input's. `bias_axes`: the output's letters along which there is a bias.
///
/// # Shapes
/// those of the equation; `kernel` has the lengths of its letters, `bias` those of `bias_axes` with 1 between them.
///
/// # Errors
/// An equation of another form, letters whose length nothing tells, inputs that do not fit.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::EinsumDense};
/// let y = EinsumDense::new("abc,cde->abde", [None, Some(8), Some(2)]).bias_axes("de").on(&Input([10, 16]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10, 8, 2)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.EinsumDense`.
#[derive(Debug)]
pub struct EinsumDense {
    base: Base,
    equation: String,
    output_shape: Vec<Dim>,
    bias_axes: Option<String>,
    output: OutputOptions,
    kernel: WeightOptions,
    bias: WeightOptions,
    inputs: InputQuantizer,
    lora: Lora,
}

/// An equation taken apart.
struct Equation {
    input: Vec<char>,
    kernel: Vec<char>,
    output: Vec<char>,
    ellipsis: Ellipsis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ellipsis {
    None,
    Left,
    Right,
}

/// What an equation says of given shapes.
struct Plan {
    kernel: Vec<usize>,
    bias: Option<Vec<usize>>,
    labels: [Vec<u32>; 3],
}

impl EinsumDense {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "EinsumDense",
        aliases: &[],
        module: "keras.layers",
        from_config: EinsumDense::from_config,
    };

    /// By that equation, with an output of that shape, the batch left out.
    pub fn new(equation: impl Into<String>, output_shape: impl IntoIterator<Item = Dim>) -> EinsumDense {
        EinsumDense {
            base: Base::new("EinsumDense"),
            equation: equation.into(),
            output_shape: output_shape.into_iter().collect(),
            bias_axes: None,
            output: OutputOptions::default(),
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            inputs: InputQuantizer::default(),
            lora: Lora::default(),
        }
    }

    /// The letters of the output along which a bias is added; none by default.
    #[must_use]
    pub fn bias_axes(mut self, axes: impl Into<String>) -> EinsumDense {
        self.bias_axes = Some(axes.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let node = fields.required("output_shape")?;
        let output_shape = if node.int().is_ok() { vec![Some(node.positive()?)] } else { node.shape()? };
        let base = Base::from_config("EinsumDense", fields)?;
        let lora = Lora::read(&base, fields)?;
        let mut layer = EinsumDense {
            base,
            equation: fields.str("equation")?.to_owned(),
            output_shape,
            bias_axes: fields.opt_str("bias_axes")?.map(str::to_owned),
            output: OutputOptions::read(fields)?,
            kernel: WeightOptions::read(fields, "kernel", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
            inputs: InputQuantizer::read(fields)?,
            lora,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn parse(&self) -> Result<Equation> {
        let wrong = || {
            let expected = "`[input],[kernel]->[output]`, `...[input],[kernel]->...[output]` or \
                            `[input]...,[kernel]->[output]...`";
            argument_error(&self.base, "equation", expected, format!("`{}`", self.equation))
        };
        let equation: String = self.equation.split_whitespace().collect();
        let (inputs, output) = equation.split_once("->").ok_or_else(wrong)?;
        let (input, kernel) = inputs.split_once(',').ok_or_else(wrong)?;
        let (ellipsis, input, output) = if let Some(input) = input.strip_prefix("...") {
            (Ellipsis::Left, input, output.strip_prefix("...").ok_or_else(wrong)?)
        } else if let Some(input) = input.strip_suffix("...") {
            (Ellipsis::Right, input, output.strip_suffix("...").ok_or_else(wrong)?)
        } else {
            (Ellipsis::None, input, output)
        };
        let letters = |text: &str| -> Result<Vec<char>> {
            let letters: Vec<char> = text.chars().collect();
            let is_plain =
                letters.iter().enumerate().all(|(i, c)| c.is_ascii_alphabetic() && !letters[..i].contains(c));
            if is_plain && !letters.is_empty() { Ok(letters) } else { Err(wrong()) }
        };
        Ok(Equation { input: letters(input)?, kernel: letters(kernel)?, output: letters(output)?, ellipsis })
    }

    /// Lengths of weights and labels of axes for an input of that shape.
    fn plan(&self, dims: &[Dim]) -> Result<Plan> {
        let equation = self.parse()?;
        let wrong = |expected: String, found: String| argument_error(&self.base, "equation", expected, found);
        let elided = match (dims.len().checked_sub(equation.input.len()), equation.ellipsis) {
            (Some(0), Ellipsis::None) => 0,
            (Some(elided), Ellipsis::Left | Ellipsis::Right) => elided,
            _ => {
                let expected = format!("an input with the axes of `{}`", self.equation);
                return Err(input_error(self, expected, format!("{} axes", dims.len())));
            }
        };
        // Numbers above those of letters stand for the axes of the ellipsis.
        let dots: Vec<u32> = (0..elided as u32).map(|i| 0x11_0000 + i).collect();
        let label = |letters: &[char], has_dots: bool| -> Vec<u32> {
            let letters = letters.iter().map(|&c| c as u32);
            match equation.ellipsis {
                Ellipsis::Left if has_dots => dots.iter().copied().chain(letters).collect(),
                Ellipsis::Right if has_dots => letters.chain(dots.iter().copied()).collect(),
                _ => letters.collect(),
            }
        };
        let labels = [label(&equation.input, true), label(&equation.kernel, false), label(&equation.output, true)];
        // The output's lengths: the batch, the axes of the ellipsis, what was given.
        let batch = dims.first().copied().flatten();
        let mut output = vec![batch];
        if equation.ellipsis == Ellipsis::Left {
            output.extend(dims.iter().take(elided).skip(1));
        }
        output.extend(self.output_shape.iter().copied());
        if equation.ellipsis == Ellipsis::Right {
            output.extend(&dims[dims.len() - elided..]);
        }
        if output.len() != labels[2].len() {
            let expected = format!("lengths for the axes of `{}` other than the batch", self.equation);
            return Err(argument_error(&self.base, "output_shape", expected, dims_of(&self.output_shape)));
        }
        let find = |labels: &[u32], lengths: &[Dim], label: u32| -> Option<Dim> {
            labels.iter().position(|&l| l == label).map(|at| lengths[at])
        };
        for (at, &label) in labels[2].iter().enumerate() {
            match find(&labels[0], dims, label) {
                Some(Some(length)) if output[at].is_some_and(|given| given != length) => {
                    let expected = format!("{length} along axis {at} of the output, as the input has it");
                    return Err(argument_error(&self.base, "output_shape", expected, dims_of(&self.output_shape)));
                }
                None if !labels[1].contains(&label) => {
                    let letter = char::from_u32(label).unwrap_or('.');
                    let expected = "letters of the output that the input or the kernel has".into();
                    return Err(wrong(expected, format!("`{letter}` in `{}`", self.equation)));
                }
                _ => {}
            }
        }
        let mut kernel = Vec::new();
        for &label in &labels[1] {
            let length = match find(&labels[0], dims, label) {
                Some(length) => length.or_else(|| find(&labels[2], &output, label).flatten()),
                None => find(&labels[2], &output, label).flatten(),
            };
            kernel.push(length.ok_or_else(|| {
                let letter = char::from_u32(label).unwrap_or('.');
                wrong(
                    "letters of the kernel whose length is known".into(),
                    format!("`{letter}` in `{}`", self.equation),
                )
            })?);
        }
        let bias = self.bias_axes.as_deref().map(|axes| self.bias_shape(axes, &equation, &labels[2], &output, elided));
        Ok(Plan { kernel, bias: bias.transpose()?, labels })
    }

    /// The kernel of a quantized layer.
    fn quantized(&self, plan: &Plan) -> Option<(Quantization, QuantizedKernel)> {
        let mode = self.base.policy().quantization.filter(|_| Float8::of(&self.base).is_none())?;
        Some((mode, QuantizedKernel::einsum(mode, &plan.kernel, &plan.labels[1], &plan.labels[2])))
    }

    /// What the weights of this quantized layer are for a kernel of floats.
    pub(crate) fn quantize(&self, kernel: &Tensor) -> Result<Vec<(&'static str, Tensor)>> {
        let (_, layout) = self.quantized(&self.built_plan()?).ok_or(Error::NotBuilt)?;
        layout.quantize(&self.base, kernel)
    }

    fn built_plan(&self) -> Result<Plan> {
        let built = self.base.built().unwrap_or_default();
        self.plan(built.first().and_then(|dims| dims.axes()).ok_or(Error::NotBuilt)?)
    }

    fn bias_shape(
        &self,
        axes: &str,
        equation: &Equation,
        labels: &[u32],
        output: &[Dim],
        elided: usize,
    ) -> Result<Vec<usize>> {
        let wrong = || {
            let expected = format!("letters of the output of `{}` whose lengths are known", self.equation);
            argument_error(&self.base, "bias_axes", expected, format!("`{axes}`"))
        };
        let first = axes.chars().map(|c| equation.output.iter().position(|&o| o == c)).min().flatten();
        let first = first.filter(|_| axes.chars().all(|c| equation.output.contains(&c))).ok_or_else(wrong)?;
        let mut shape = Vec::new();
        for &letter in &equation.output[first..] {
            let at = labels.iter().position(|&l| l == letter as u32).unwrap_or_default();
            let length = if axes.contains(letter) { output[at] } else { Some(1) };
            shape.push(length.ok_or_else(wrong)?);
        }
        if equation.ellipsis == Ellipsis::Right {
            shape.extend(std::iter::repeat_n(1, elided));
        }
        Ok(shape)
    }
}

fn dims_of(dims: &[Dim]) -> String {
    dims_to_json(&dims.iter().copied().collect()).to_string()
}

impl KernelOptions for EinsumDense {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.kernel
    }
}

impl BiasOptions for EinsumDense {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

impl ActivationOptions for EinsumDense {
    fn output_options(&mut self) -> &mut OutputOptions {
        &mut self.output
    }
}

impl LoraOptions for EinsumDense {
    fn lora_options(&mut self) -> &mut Lora {
        &mut self.lora
    }
}

impl Layer for EinsumDense {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let axes =
            dims.axes().ok_or_else(|| input_error(self, "an input of known rank".into(), format!("shape {dims}")))?;
        let plan = self.plan(axes)?;
        let quantized = self.quantized(&plan);
        let bias = plan.bias.map(|bias| self.bias.spec("bias", bias));
        let kernel = self.kernel.spec("kernel", plan.kernel);
        if let Some(float8) = Float8::of(&self.base) {
            self.lora.refuse_beside_float8(&self.base)?;
            self.lora.build(cx, &self.base, kernel, bias)?;
            return float8.build(cx);
        }
        if let Some((_, layout)) = quantized {
            if self.lora.is_enabled() && plan.labels[1].last() != plan.labels[2].last() {
                let expected =
                    "an equation whose kernel and output end with the same letter, to have `lora_rank` beside few bits";
                return Err(argument_error(&self.base, "equation", expected, format!("`{}`", self.equation)));
            }
            layout.build(cx, &self.base, bias)?;
            return self.lora.build_matrices(cx, &self.base, &kernel);
        }
        self.lora.build(cx, &self.base, kernel, bias)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let given = one_input(self, args)?;
        let dims = cx.g.dims(given).axes().map(<[Dim]>::to_vec).unwrap_or_default();
        let plan = self.plan(&dims)?;
        let [input, kernel_labels, output] = &plan.labels;
        let float8 = Float8::of(&self.base);
        let (x, kernel) = match (self.quantized(&plan), &float8) {
            (Some((mode, kernel)), _) => {
                let summed = (0..input.len()).filter(|&axis| !output.contains(&input[axis]));
                let axes: Vec<i64> = summed.map(|axis| axis as i64).collect();
                (self.inputs.apply(cx, given, &axes, mode, InputGradient::Straight)?, kernel.value(cx, &self.base)?)
            }
            (None, Some(float8)) => {
                let kernel = cx.weight(&self.base, "kernel")?;
                (float8.rounded(cx, "inputs", given)?, float8.rounded(cx, "kernel", kernel)?)
            }
            (None, None) => (given, self.lora.kernel(cx, &self.base, "kernel", true)?),
        };
        let mut y = einsum(cx.g, (x, input), (kernel, kernel_labels), output)?;
        y = cx.g.cast(y, self.base.policy().compute)?;
        if let Some(float8) = &float8 {
            y = float8.with_rounded_gradient(cx, y)?;
        } else if self.base.policy().quantization.is_some() {
            y = self.lora.beside(cx, &self.base, ("kernel", true), y, |cx, a| {
                einsum(cx.g, (given, input), (a, kernel_labels), output)
            })?;
        }
        if plan.bias.is_some() {
            let bias = match &float8 {
                Some(float8) => float8.bias(cx)?,
                None => cx.weight(&self.base, "bias")?,
            };
            y = cx.g.add(y, bias)?;
        }
        Ok(vec![self.output.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        let output_shape = dims_to_json(&self.output_shape.iter().copied().collect());
        let config = self
            .base
            .config()
            .with("output_shape", output_shape)
            .with("equation", self.equation.as_str())
            .with("activation", self.output.activation.to_json()?)
            .with("bias_axes", self.bias_axes.as_deref())
            .with_weights(&[("kernel", &self.kernel), ("bias", &self.bias)], &self.output.activity_regularizer)?;
        Ok(self.lora.write(self.inputs.write(config)).with_rest(self.base.rest()))
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.output.activity_regularizer.as_ref()
    }

    fn lora(&self) -> Option<&Lora> {
        Some(&self.lora).filter(|lora| lora.is_enabled())
    }

    fn requantized(&self) -> Result<Vec<(&'static str, Tensor)>> {
        let Some((_, layout)) = self.quantized(&self.built_plan()?) else { return Ok(Vec::new()) };
        let kernel = self.lora.floats(&self.base, "kernel", |cx| layout.value(cx, &self.base))?;
        layout.quantize(&self.base, &kernel)
    }

    fn casts_integers(&self) -> bool {
        true
    }
}
