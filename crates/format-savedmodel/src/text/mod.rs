//! Protobuf's text format, in which some SavedModels are kept (`saved_model.pbtxt`).
//!
//! ```text
//! # A comment.
//! saved_model_schema_version: 1
//! meta_graphs {
//!   meta_info_def { tags: "serve" }
//!   graph_def { node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } } }
//! }
//! ```
//!
//! Understood: `{}` and `<>`, `:` or none before messages, `,` and `;` between fields, lists in `[]`, single and double
//! quotes, strings in pieces, all of C's escapes with `\u` and `\U`, decimal, octal and hexadecimal integers, floats with
//! `f`, `inf`, `nan`, enumerators by name and by number, `Any`s written out for the message types that graphs keep in them.
//! Not understood: extensions. A field whose name is unknown is an error, as it is for TensorFlow.
//!
//! Source: <https://protobuf.dev/reference/protobuf/textformat-spec/>.

mod lexer;
mod reader;

pub use reader::TextReader;
