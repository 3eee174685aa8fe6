//! Values that know their JSON path.

mod cursor;
mod fields;
mod path;
mod suggest;

pub use cursor::Node;
pub use fields::Fields;
pub use path::Path;
pub(crate) use suggest::nearest;
