//! What the attributes of a struct's fields say.

use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Field, Fields, Ident, Path, Result};

/// The fields of a struct by what they are.
pub struct Parts<'a> {
    pub base: &'a Ident,
    pub config: Vec<&'a Field>,
    pub skipped: Vec<&'a Ident>,
    pub tracked: Vec<&'a Ident>,
    /// `#[layer(new = path)]`.
    pub new: Option<Path>,
}

impl<'a> Parts<'a> {
    pub fn of(input: &'a DeriveInput) -> Result<Parts<'a>> {
        let fields = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => fields,
                other => return Err(Error::new(other.span(), "a layer is a struct with named fields")),
            },
            _ => return Err(Error::new(input.span(), "a layer is a struct")),
        };
        let (mut base, mut config, mut skipped, mut tracked) = (None, Vec::new(), Vec::new(), Vec::new());
        for field in &fields.named {
            let Some(name) = &field.ident else { continue };
            let has = |attribute: &str| field.attrs.iter().any(|a| a.path().is_ident(attribute));
            match (has("base"), has("config"), has("skip")) {
                (true, false, false) if base.is_none() => base = Some(name),
                (true, false, false) => return Err(Error::new(field.span(), "a layer has one `#[base]`")),
                (false, true, false) => config.push(field),
                (false, false, true) => skipped.push(name),
                (false, false, false) => tracked.push(name),
                _ => return Err(Error::new(field.span(), "one of `#[base]`, `#[config]` and `#[skip]`")),
            }
        }
        let base = base.ok_or_else(|| {
            Error::new(input.ident.span(), "mark the field of type `Base` with `#[base]`: `#[base] base: Base`")
        })?;
        let mut new = None;
        for attribute in input.attrs.iter().filter(|a| a.path().is_ident("layer")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("new") {
                    new = Some(meta.value()?.parse()?);
                    return Ok(());
                }
                Err(meta.error("expected `new = path::to::constructor`"))
            })?;
        }
        Ok(Parts { base, config, skipped, tracked, new })
    }
}
