//! The macros that declare messages, oneofs and enumerations.

/// Declares a message: a struct and its codec.
///
/// `NAME { KIND NUMBER field: Type, ... }` with a kind of [`crate::wire::field`]; for a oneof all its numbers, separated
/// by `|`. Fields are written in the order in which they are declared, which is the order of their numbers as in
/// protobuf's libraries. `Point { single 1 x: i32, repeated 2 tags: String }` expands to
/// `pub struct Point { pub x: i32, pub tags: Vec<String>, pub unknown: Unknown }`, `impl Message for Point` with one
/// `match` arm a field, and `impl Value for Point`.
macro_rules! message {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $kind:ident $first:literal $(| $more:literal)* $field:ident: $type:ty,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $crate::wire::field::$kind::Of<$type>,)*
            /// Fields this type does not declare, kept for writing.
            pub unknown: $crate::wire::Unknown,
        }

        impl $crate::wire::Message for $name {
            const NAME: &'static str = stringify!($name);

            #[allow(clippy::manual_range_patterns, reason = "oneofs list their numbers")]
            fn merge_field(
                &mut self,
                number: u32,
                wire: $crate::wire::Wire,
                reader: &mut $crate::wire::Reader<'_>,
            ) -> $crate::Result<bool> {
                let _ = (wire, &reader);
                match number {
                    $($first $(| $more)* => {
                        // The step of the path is worked out only when something goes wrong; a list has grown by
                        // then in no case, as a value is appended once it is read.
                        $crate::wire::field::$kind::merge(&mut self.$field, number, wire, reader).map_err(|error| {
                            error.within(&$crate::wire::field::$kind::step(&self.$field, stringify!($field)))
                        })
                    })*
                    _ => Ok(false),
                }
            }

            fn keep_unknown(&mut self, field: &[u8]) {
                self.unknown.push(field);
            }

            fn merge_text_field(
                &mut self,
                name: &str,
                text: &mut $crate::text::TextReader<'_>,
            ) -> $crate::Result<bool> {
                let _ = &text;
                $(if $crate::wire::field::$kind::owns(
                    &self.$field,
                    stringify!($field).trim_start_matches("r#"),
                    name,
                ) {
                    $crate::wire::field::$kind::text(&mut self.$field, name, text)?;
                    return Ok(true);
                })*
                let _ = name;
                Ok(false)
            }

            fn sort_maps(&mut self) {
                $($crate::wire::field::$kind::sort(&mut self.$field);)*
            }

            fn encode_into(&self, out: &mut Vec<u8>) {
                $($crate::wire::field::$kind::put(&self.$field, $first, out);)*
                out.extend_from_slice(self.unknown.as_bytes());
            }
        }

        impl $crate::wire::Value for $name {
            const WIRE: $crate::wire::Wire = $crate::wire::Wire::Delimited;
            fn read(reader: &mut $crate::wire::Reader<'_>) -> $crate::Result<Self> {
                let mut message = Self::default();
                $crate::wire::Message::merge(&mut message, &mut reader.nested()?)?;
                Ok(message)
            }
            fn write(&self, out: &mut Vec<u8>) {
                $crate::wire::write_message(self, out);
            }
            fn read_text(text: &mut $crate::text::TextReader<'_>) -> $crate::Result<Self> {
                let mut message = Self::default();
                text.nested(&mut message)?;
                Ok(message)
            }
            fn is_default(&self) -> bool {
                *self == Self::default()
            }
            fn sort_maps(&mut self) {
                $crate::wire::Message::sort_maps(self);
            }
        }
    };
}

/// Declares a oneof: an enum with one variant a field.
///
/// `NAME { NUMBER Variant field: Type, ... }`; `Kind { 2 S s: Vec<u8> }` expands to `pub enum Kind { S(Vec<u8>) }` and
/// `impl Oneof for Kind`.
macro_rules! oneof {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $number:literal $variant:ident $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant($type),)*
        }

        impl $crate::wire::Oneof for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),*];

            fn read(
                number: u32,
                wire: $crate::wire::Wire,
                reader: &mut $crate::wire::Reader<'_>,
            ) -> $crate::Result<Option<Self>> {
                match number {
                    $($number if wire == <$type as $crate::wire::Value>::WIRE => {
                        let value = <$type as $crate::wire::Value>::read(reader);
                        Ok(Some($name::$variant(value.map_err(|error| error.within(stringify!($field)))?)))
                    })*
                    _ => Ok(None),
                }
            }

            fn read_text(name: &str, text: &mut $crate::text::TextReader<'_>) -> $crate::Result<Option<Self>> {
                $(if stringify!($field).trim_start_matches("r#") == name {
                    return Ok(Some($name::$variant(<$type as $crate::wire::Value>::read_text(text)?)));
                })*
                Ok(None)
            }

            fn sort_maps(&mut self) {
                match self {
                    $($name::$variant(value) => <$type as $crate::wire::Value>::sort_maps(value),)*
                }
            }

            fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$variant(value) => {
                        $crate::wire::put_key(out, $number, <$type as $crate::wire::Value>::WIRE);
                        <$type as $crate::wire::Value>::write(value, out);
                    })*
                }
            }
        }
    };
}

/// Declares an enumeration that keeps numbers it does not know.
///
/// `NAME { NUMBER NAME_OF_VALUE, ... }`; `Version { 2 V2 }` expands to `pub struct Version(pub i32)` with
/// `pub const V2: Version = Version(2)`.
macro_rules! enumeration {
    ($(#[$meta:meta])* $name:ident { $($(#[$value_meta:meta])* $number:literal $value:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name(pub i32);

        impl $name {
            $(
                $(#[$value_meta])*
                #[doc = concat!("`", stringify!($value), "`, number ", $number, ".")]
                pub const $value: $name = $name($number);
            )*

            /// The value's name in the `.proto` file; `None` for a number it does not have.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($value)),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}({})", stringify!($name), self.0),
                }
            }
        }

        impl $crate::wire::Value for $name {
            const WIRE: $crate::wire::Wire = $crate::wire::Wire::Varint;
            fn read(reader: &mut $crate::wire::Reader<'_>) -> $crate::Result<Self> {
                <i32 as $crate::wire::Value>::read(reader).map($name)
            }
            fn write(&self, out: &mut Vec<u8>) {
                <i32 as $crate::wire::Value>::write(&self.0, out);
            }
            fn read_text(text: &mut $crate::text::TextReader<'_>) -> $crate::Result<Self> {
                text.enumerator(&[$((stringify!($value), $number)),*]).map($name)
            }
            fn is_default(&self) -> bool {
                self.0 == 0
            }
        }
    };
}
