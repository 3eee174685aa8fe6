//! What `#[derive(Configured)]` expands to.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result};

use crate::layer::layers_crate;

/// `impl Configured`: every field is an argument.
pub fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => fields.named.iter().collect(),
            Fields::Unit => Vec::new(),
            other => return Err(Error::new(other.span(), "a struct with named fields has a configuration")),
        },
        _ => return Err(Error::new(input.span(), "a struct has a configuration")),
    };
    let mut class_name = input.ident.to_string();
    for attribute in input.attrs.iter().filter(|a| a.path().is_ident("configured")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("class_name") {
                class_name = meta.value()?.parse::<LitStr>()?.value();
                return Ok(());
            }
            Err(meta.error("expected `class_name = \"..\"`"))
        })?;
    }
    let layers = layers_crate();
    let name = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let idents: Vec<_> = fields.iter().filter_map(|field| field.ident.as_ref()).collect();
    let types = fields.iter().map(|field| &field.ty);
    let keys: Vec<String> = idents.iter().map(ToString::to_string).collect();
    let unit = matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Unit));
    let made = if unit { quote!(Self) } else { quote!(Self { #(#idents,)* }) };
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #layers::Configured for #name #type_generics #where_clause {
            const CLASS_NAME: &'static str = #class_name;
            fn to_config(&self) -> #layers::derived::Config {
                let config = #layers::derived::Config::new();
                #(let config = config.with(#keys, #layers::ConfigValue::to_json(&self.#idents));)*
                config
            }
            fn from_fields(fields: &#layers::derived::Fields<'_>) -> #layers::Result<Self> {
                let _ = fields;
                #(let #idents = <#types as #layers::ConfigValue>::read(fields, #keys)?;)*
                ::std::result::Result::Ok(#made)
            }
        }
    })
}
