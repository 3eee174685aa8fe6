//! Layers and models from structs: `#[derive(Layer)]`, and configurations of other objects: `#[derive(Configured)]`.
//!
//! The derive writes everything of a layer but what it computes: access to its base, the layers and variables inside
//! under the names of their fields, and its configuration. What it computes is `impl Forward`. It is used through
//! `kerox_layers::Layer`, where an example is.
#![forbid(unsafe_code)]

mod configured;
mod fields;
mod layer;

use proc_macro::TokenStream;

/// Makes a struct a layer: together with `impl Forward for` it, which says what it computes.
///
/// | on | attribute | meaning |
/// |---|---|---|
/// | a field | `#[base]` | the `Base`; needed once |
/// | a field | `#[config]` | an argument of the constructor, part of the configuration under the field's name |
/// | a field | `#[skip]` | neither saved nor tracked; made by `Default` when read from a configuration |
/// | a field | none | a layer, variable, or list, option or map of them: tracked under the field's name |
/// | the struct | `#[layer(new = Self::new)]` | makes the struct from the values of its `#[config]` fields, in order |
///
/// Structs with `new`, and those without tracked fields, can be read from configurations (`FromConfig`).
#[proc_macro_derive(Layer, attributes(base, config, skip, layer))]
pub fn derive_layer(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    layer::derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Makes every field of a struct an argument in its configuration: for regularizers, constraints, initializers, losses,
/// metrics and schedules of one's own.
///
/// `#[configured(class_name = "..")]` on the struct gives files another name than the struct's.
#[proc_macro_derive(Configured, attributes(configured))]
pub fn derive_configured(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    configured::derive(&input).unwrap_or_else(|error| error.to_compile_error()).into()
}
