//! What `#[derive(Layer)]` expands to.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use crate::fields::Parts;

/// `impl Layer`, and `impl FromConfig` where the struct can be made from its configuration.
pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let parts = Parts::of(input)?;
    let layers = layers_crate();
    let name = &input.ident;
    let class_name = name.to_string();
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let Parts { base, tracked, .. } = &parts;
    let tracked_names = tracked.iter().map(ToString::to_string);
    let config_fields: Vec<_> = parts.config.iter().filter_map(|field| field.ident.as_ref()).collect();
    let config_names: Vec<String> = config_fields.iter().map(ToString::to_string).collect();
    let from_config = from_config(input, &parts, &layers);
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #layers::Layer for #name #type_generics #where_clause {
            fn base(&self) -> &#layers::Base {
                &self.#base
            }
            fn base_mut(&mut self) -> &mut #layers::Base {
                &mut self.#base
            }
            fn class_name(&self) -> &str {
                #class_name
            }
            fn build(
                &self,
                cx: &mut #layers::Build,
                inputs: &[#layers::derived::ValueInfo],
            ) -> #layers::Result<()> {
                #layers::Forward::build(self, cx, inputs)
            }
            fn call(
                &self,
                cx: &mut #layers::Call<'_>,
                args: &#layers::Args<#layers::derived::Value>,
            ) -> #layers::Result<::std::vec::Vec<#layers::derived::Value>> {
                #layers::Forward::call(self, cx, args)
            }
            fn config(&self) -> #layers::Result<#layers::derived::Config> {
                let config = self.#base.config();
                #(let config = config.with(#config_names, #layers::ConfigValue::to_json(&self.#config_fields));)*
                ::std::result::Result::Ok(config.with_rest(self.#base.rest()))
            }
            fn sublayers(&self) -> ::std::vec::Vec<(::std::string::String, #layers::Tracked)> {
                let mut parts = ::std::vec::Vec::new();
                #(
                    if let ::std::option::Option::Some(part) = #layers::Track::track(&self.#tracked) {
                        parts.push((::std::string::String::from(#tracked_names), part));
                    }
                )*
                parts
            }
        }
        #from_config
    })
}

fn from_config(input: &DeriveInput, parts: &Parts<'_>, layers: &TokenStream) -> TokenStream {
    if parts.new.is_none() && !parts.tracked.is_empty() {
        return TokenStream::new();
    }
    let name = &input.ident;
    let class_name = name.to_string();
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let Parts { base, skipped, .. } = parts;
    let fields: Vec<_> = parts.config.iter().filter_map(|field| field.ident.as_ref()).collect();
    let types = parts.config.iter().map(|field| &field.ty);
    let names = fields.iter().map(ToString::to_string);
    let make = match &parts.new {
        Some(new) => quote! {
            let mut layer: Self = #new(#(#fields),*);
            layer.#base = base;
            ::std::result::Result::Ok(layer)
        },
        None => quote! {
            ::std::result::Result::Ok(Self {
                #base: base,
                #(#fields,)*
                #(#skipped: ::std::default::Default::default(),)*
            })
        },
    };
    quote! {
        #[automatically_derived]
        impl #impl_generics #layers::FromConfig for #name #type_generics #where_clause {
            const CLASS_NAME: &'static str = #class_name;
            fn from_config(fields: &#layers::derived::Fields<'_>) -> #layers::Result<Self> {
                let mut base = #layers::Base::from_config(#class_name, fields)?;
                #(let #fields = <#types as #layers::ConfigValue>::read(fields, #names)?;)*
                base.keep_rest(fields);
                #make
            }
        }
    }
}

/// Where the layers are found from the crate that uses the derive: `kerox_layers` if it depends on that, else `kerox`.
pub fn layers_crate() -> TokenStream {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map(|folder| std::path::Path::new(&folder).join("Cargo.toml"));
    let text = manifest.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
    match text.contains("kerox-layers") || !text.contains("kerox") {
        true => quote!(::kerox_layers),
        false => quote!(::kerox::layers),
    }
}
