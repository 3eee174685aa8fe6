//! Calls of functions: plain, by a condition, in a loop.

use std::sync::Arc;

use super::declaration::Declaration;
use super::dynamic::{Arguments, common, infer_body, run_interpreted, truth};
use crate::{
    Attr, Attrs, Error, Grad, Graph, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo, gradients,
};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "PartitionedCall",
        signature: "args{Tin} -> output{Tout}",
        build: |a| Ok(Arc::new(Call { stateful: false, function: Body::of(a, "f")? })),
    },
    Declaration {
        name: "StatefulPartitionedCall",
        signature: "args{Tin} -> output{Tout}",
        build: |a| Ok(Arc::new(Call { stateful: true, function: Body::of(a, "f")? })),
    },
    Declaration { name: "While", signature: "input{T} -> output{T}", build: |a| While::build(a, true) },
    Declaration { name: "StatelessWhile", signature: "input{T} -> output{T}", build: |a| While::build(a, false) },
    Declaration { name: "If", signature: "cond, input{Tin} -> output{Tout}", build: |a| Branch::build_if(a, true) },
    Declaration {
        name: "StatelessIf",
        signature: "cond, input{Tin} -> output{Tout}",
        build: |a| Branch::build_if(a, false),
    },
    Declaration {
        name: "Case",
        signature: "branch_index, input{Tin} -> output{Tout}",
        build: |a| Branch::build_case(a, true),
    },
    Declaration {
        name: "StatelessCase",
        signature: "branch_index, input{Tin} -> output{Tout}",
        build: |a| Branch::build_case(a, false),
    },
];

/// A function by name.
#[derive(Clone, Debug)]
pub struct Body {
    /// Its name in the library.
    pub name: String,
    /// What it does.
    pub body: Arc<Graph>,
}

impl Body {
    fn of(attrs: &Attrs, name: &str) -> Result<Body> {
        let body = attrs.func(name)?;
        match attrs.get(name) {
            Some(Attr::Func(function, _)) => Ok(Body { name: function.clone(), body }),
            other => Err(attrs.wrong(name, "a function of the library", other)),
        }
    }

    fn attr(&self) -> Attr {
        Attr::Func(self.name.clone(), Some(self.body.clone()))
    }
}

fn types(infos: &[ValueInfo]) -> Attr {
    Attr::List(infos.iter().map(|info| Attr::Type(info.dtype)).collect())
}

/// `PartitionedCall` and `StatefulPartitionedCall`: a function applied to values.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whether it may change variables.
    pub stateful: bool,
    /// The function.
    pub function: Body,
}

impl Op for Call {
    fn name(&self) -> &'static str {
        if self.stateful { "StatefulPartitionedCall" } else { "PartitionedCall" }
    }
    fn attrs(&self, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("Tin", types(inputs)), ("Tout", types(outputs)), ("f", self.function.attr())]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        infer_body(cx, &self.function.body, cx.inputs())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        cx.call(&self.function.body, inputs)
    }
    /// The body's, which is computed once more for it.
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let inputs: Vec<Value> = cx.inputs.iter().map(|&v| cx.g.identity(v)).collect::<Result<_>>()?;
        let outputs = cx.g.inline(&self.function.body, &inputs)?;
        let known: Vec<(Value, Value)> =
            outputs.into_iter().zip(cx.upstream).filter_map(|(y, dy)| Some((y, (*dy)?))).collect();
        let (ys, seeds): (Vec<Value>, Vec<Value>) = known.into_iter().unzip();
        gradients(cx.g, &ys, Some(&seeds), &inputs)
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// `While` and `StatelessWhile`: a function applied to its own results as long as a condition holds.
#[derive(Clone, Debug)]
pub struct While {
    /// Whether it may change variables.
    pub stateful: bool,
    /// Says of the values whether there is another round.
    pub cond: Body,
    /// One round: as many results as parameters.
    pub body: Body,
}

impl While {
    fn build(attrs: &Attrs, stateful: bool) -> Result<Arc<dyn Op>> {
        let (cond, body) = (Body::of(attrs, "cond")?, Body::of(attrs, "body")?);
        if body.body.inputs.len() != body.body.outputs.len() || cond.body.outputs.len() != 1 {
            return Err(attrs.wrong("body", "as many results as parameters, and one of the condition", None));
        }
        Ok(Arc::new(While { stateful, cond, body }))
    }
}

impl Op for While {
    fn name(&self) -> &'static str {
        if self.stateful { "While" } else { "StatelessWhile" }
    }
    fn attrs(&self, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let shapes = outputs.iter().map(|info| Attr::Shape(info.dims.clone())).collect();
        vec![
            ("T", types(inputs)),
            ("cond", self.cond.attr()),
            ("body", self.body.attr()),
            ("output_shapes", Attr::List(shapes)),
        ]
    }
    /// What stays true in every round.
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let mut state: Vec<ValueInfo> =
            cx.inputs().iter().map(|info| ValueInfo::new(info.dtype, info.dims.clone())).collect();
        loop {
            let next = infer_body(cx, &self.body.body, &state)?;
            let both = state.iter().zip(&next).map(|(a, b)| common(cx, a, b)).collect::<Result<Vec<_>>>()?;
            // Each time fewer lengths are known, so that this ends.
            if both == state {
                infer_body(cx, &self.cond.body, &state)?;
                return Ok(state);
            }
            state = both;
        }
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let node = cx.node_name().to_string();
        let mut state = inputs;
        for _ in 0..=cx.max_rounds() {
            let cond = cx.call(&self.cond.body, state.clone())?;
            if !truth(&Arguments::new("While", cx, cond).tensor()?)? {
                return Ok(state);
            }
            state = cx.call(&self.body.body, state)?;
        }
        Err(Error::Limit { node, what: "rounds of a loop".into(), limit: cx.max_rounds() })
    }
    fn is_pure(&self) -> bool {
        false
    }
}

/// `If`, `Case` and their stateless forms: one of some functions, chosen by the first input.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Whether they may change variables.
    pub stateful: bool,
    /// Whether the choice is by number (`Case`) instead of by condition (`If`).
    pub by_number: bool,
    /// The functions: for a condition `then` and `else`.
    pub branches: Vec<Body>,
}

impl Branch {
    fn build_if(attrs: &Attrs, stateful: bool) -> Result<Arc<dyn Op>> {
        let branches = vec![Body::of(attrs, "then_branch")?, Body::of(attrs, "else_branch")?];
        Branch { stateful, by_number: false, branches }.checked(attrs)
    }

    fn build_case(attrs: &Attrs, stateful: bool) -> Result<Arc<dyn Op>> {
        let branches = attrs.list("branches")?;
        let branches: Option<Vec<Body>> = branches
            .iter()
            .map(|branch| match branch {
                Attr::Func(name, Some(body)) => Some(Body { name: name.clone(), body: body.clone() }),
                _ => None,
            })
            .collect();
        let found = || attrs.wrong("branches", "functions of the library", attrs.get("branches"));
        Branch { stateful, by_number: true, branches: branches.ok_or_else(found)? }.checked(attrs)
    }

    fn checked(self, attrs: &Attrs) -> Result<Arc<dyn Op>> {
        let outputs = self.branches.first().map(|b| b.body.outputs.len());
        if outputs.is_none() || self.branches.iter().any(|b| Some(b.body.outputs.len()) != outputs) {
            return Err(attrs.wrong("branches", "functions with equally many results", None));
        }
        Ok(Arc::new(self))
    }
}

impl Op for Branch {
    fn name(&self) -> &'static str {
        match (self.by_number, self.stateful) {
            (false, true) => "If",
            (false, false) => "StatelessIf",
            (true, true) => "Case",
            (true, false) => "StatelessCase",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let shapes = Attr::List(outputs.iter().map(|info| Attr::Shape(info.dims.clone())).collect());
        let mut attrs = vec![("Tin", types(&inputs[1..])), ("Tout", types(outputs)), ("output_shapes", shapes)];
        if self.by_number {
            attrs.push(("branches", Attr::List(self.branches.iter().map(Body::attr).collect())));
        } else {
            attrs.push(("Tcond", Attr::Type(inputs[0].dtype)));
            attrs.push(("then_branch", self.branches[0].attr()));
            attrs.push(("else_branch", self.branches[1].attr()));
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.input(0)?;
        let mut all = infer_body(cx, &self.branches[0].body, &cx.inputs()[1..])?;
        for branch in &self.branches[1..] {
            let other = infer_body(cx, &branch.body, &cx.inputs()[1..])?;
            all = all.iter().zip(&other).map(|(a, b)| common(cx, a, b)).collect::<Result<_>>()?;
        }
        Ok(all)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut arguments = Arguments::new(self.name(), cx, inputs);
        let last = self.branches.len() - 1;
        let chosen = if self.by_number {
            // Any number without a branch means the last one.
            usize::try_from(arguments.int()?).map_or(last, |i| i.min(last))
        } else if truth(&arguments.tensor()?)? {
            0
        } else {
            1
        };
        let rest = arguments.rest();
        cx.call(&self.branches[chosen].body, rest)
    }
    fn is_pure(&self) -> bool {
        false
    }
}
