//! The kinds of fields: one module each, with the Rust type of the field (`Of`) and its codec.
//!
//! Every module has the same items, so that [`message!`](crate::wire) can name them by the kind's name:
//! `merge` (read; false for a wrong wire type), `put` (write), `owns` and `text` (text format), `step` (the part of an
//! error's path).

/// A field that is left out when it has its default value.
pub(crate) mod single {
    use crate::Result;
    use crate::text::TextReader;
    use crate::wire::{Reader, Value, Wire, put_key};

    pub(crate) type Of<T> = T;

    pub(crate) fn merge<T: Value>(field: &mut T, _: u32, wire: Wire, reader: &mut Reader<'_>) -> Result<bool> {
        if wire != T::WIRE {
            return Ok(false);
        }
        *field = T::read(reader)?;
        Ok(true)
    }

    pub(crate) fn put<T: Value>(field: &T, number: u32, out: &mut Vec<u8>) {
        if !field.is_default() {
            put_key(out, number, T::WIRE);
            field.write(out);
        }
    }

    pub(crate) fn sort<T: Value>(field: &mut T) {
        field.sort_maps();
    }

    pub(crate) fn owns<T: Value>(_: &T, name: &str, found: &str) -> bool {
        name == found
    }

    pub(crate) fn text<T: Value>(field: &mut T, _: &str, text: &mut TextReader<'_>) -> Result<()> {
        *field = T::read_text(text)?;
        Ok(())
    }

    pub(crate) fn step<T>(_: &T, name: &str) -> String {
        name.to_owned()
    }
}

/// A scalar field whose presence counts, the default value included.
pub(crate) mod optional {
    use crate::Result;
    use crate::text::TextReader;
    use crate::wire::{Reader, Value, Wire, put_key};

    pub(crate) type Of<T> = Option<T>;

    pub(crate) fn merge<T: Value>(field: &mut Option<T>, _: u32, wire: Wire, reader: &mut Reader<'_>) -> Result<bool> {
        if wire != T::WIRE {
            return Ok(false);
        }
        *field = Some(T::read(reader)?);
        Ok(true)
    }

    pub(crate) fn put<T: Value>(field: &Option<T>, number: u32, out: &mut Vec<u8>) {
        if let Some(value) = field {
            put_key(out, number, T::WIRE);
            value.write(out);
        }
    }

    pub(crate) fn sort<T: Value>(field: &mut Option<T>) {
        field.iter_mut().for_each(Value::sort_maps);
    }

    pub(crate) fn owns<T>(_: &Option<T>, name: &str, found: &str) -> bool {
        name == found
    }

    pub(crate) fn text<T: Value>(field: &mut Option<T>, _: &str, text: &mut TextReader<'_>) -> Result<()> {
        *field = Some(T::read_text(text)?);
        Ok(())
    }

    pub(crate) fn step<T>(_: &Option<T>, name: &str) -> String {
        name.to_owned()
    }
}

/// A message that may be absent; a second occurrence is merged into the first.
pub(crate) mod message {
    use crate::Result;
    use crate::text::TextReader;
    use crate::wire::{Message, Reader, Value, Wire, put_key};

    pub(crate) type Of<T> = Option<Box<T>>;

    pub(crate) fn merge<T: Message>(
        field: &mut Option<Box<T>>,
        _: u32,
        wire: Wire,
        reader: &mut Reader<'_>,
    ) -> Result<bool> {
        if wire != Wire::Delimited {
            return Ok(false);
        }
        field.get_or_insert_default().merge(&mut reader.nested()?)?;
        Ok(true)
    }

    pub(crate) fn put<T: Value>(field: &Option<Box<T>>, number: u32, out: &mut Vec<u8>) {
        if let Some(value) = field {
            put_key(out, number, Wire::Delimited);
            value.write(out);
        }
    }

    pub(crate) fn sort<T: Message>(field: &mut Option<Box<T>>) {
        field.iter_mut().for_each(|message| message.sort_maps());
    }

    pub(crate) fn owns<T>(_: &Option<Box<T>>, name: &str, found: &str) -> bool {
        name == found
    }

    pub(crate) fn text<T: Message>(field: &mut Option<Box<T>>, _: &str, text: &mut TextReader<'_>) -> Result<()> {
        text.nested(&mut **field.get_or_insert_default())
    }

    pub(crate) fn step<T>(_: &Option<Box<T>>, name: &str) -> String {
        name.to_owned()
    }
}

/// A list; numbers are written packed and read packed or one by one.
pub(crate) mod repeated {
    use crate::Result;
    use crate::text::TextReader;
    use crate::wire::writer::put_delimited;
    use crate::wire::{Reader, Value, Wire, put_key};

    pub(crate) type Of<T> = Vec<T>;

    pub(crate) fn merge<T: Value>(field: &mut Vec<T>, _: u32, wire: Wire, reader: &mut Reader<'_>) -> Result<bool> {
        if wire == T::WIRE {
            field.push(T::read(reader)?);
        } else if wire == Wire::Delimited {
            let mut packed = reader.packed()?;
            while !packed.is_empty() {
                field.push(T::read(&mut packed)?);
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    pub(crate) fn put<T: Value>(field: &[T], number: u32, out: &mut Vec<u8>) {
        if T::WIRE == Wire::Delimited {
            for value in field {
                put_key(out, number, Wire::Delimited);
                value.write(out);
            }
        } else if !field.is_empty() {
            put_key(out, number, Wire::Delimited);
            put_delimited(out, |out| field.iter().for_each(|value| value.write(out)));
        }
    }

    pub(crate) fn sort<T: Value>(field: &mut [T]) {
        field.iter_mut().for_each(Value::sort_maps);
    }

    pub(crate) fn owns<T>(_: &[T], name: &str, found: &str) -> bool {
        name == found
    }

    pub(crate) fn text<T: Value>(field: &mut Vec<T>, _: &str, text: &mut TextReader<'_>) -> Result<()> {
        text.list(|text| {
            field.push(T::read_text(text)?);
            Ok(())
        })
    }

    pub(crate) fn step<T>(field: &[T], name: &str) -> String {
        format!("{name}[{}]", field.len())
    }
}

/// A map.
pub(crate) mod map {
    use crate::Result;
    use crate::text::TextReader;
    use crate::wire::writer::put_delimited;
    use crate::wire::{Map, MapKey, Reader, Value, Wire, put_key};

    pub(crate) type Of<T> = T;

    pub(crate) fn merge<K: MapKey, V: Value>(
        field: &mut Map<K, V>,
        _: u32,
        wire: Wire,
        reader: &mut Reader<'_>,
    ) -> Result<bool> {
        if wire != Wire::Delimited {
            return Ok(false);
        }
        let mut entry = reader.nested()?;
        let (mut key, mut value) = (K::default(), V::default());
        while !entry.is_empty() {
            match entry.key()? {
                (1, wire) if wire == K::WIRE => key = K::read(&mut entry)?,
                (2, wire) if wire == V::WIRE => {
                    value = V::read(&mut entry).map_err(|error| error.within(&format!("[{key:?}]")))?;
                }
                (number, wire) => entry.skip(number, wire)?,
            }
        }
        field.insert(key, value);
        Ok(true)
    }

    pub(crate) fn put<K: MapKey, V: Value>(field: &Map<K, V>, number: u32, out: &mut Vec<u8>) {
        for (key, value) in field {
            put_key(out, number, Wire::Delimited);
            put_delimited(out, |out| {
                put_key(out, 1, K::WIRE);
                key.write(out);
                put_key(out, 2, V::WIRE);
                value.write(out);
            });
        }
    }

    pub(crate) fn sort<K: MapKey, V: Value>(field: &mut Map<K, V>) {
        field.sort();
    }

    pub(crate) fn owns<K, V>(_: &Map<K, V>, name: &str, found: &str) -> bool {
        name == found
    }

    pub(crate) fn text<K: MapKey, V: Value>(field: &mut Map<K, V>, _: &str, text: &mut TextReader<'_>) -> Result<()> {
        text.list(|text| {
            let (mut key, mut value) = (K::default(), V::default());
            text.fields(|name, text| {
                match name {
                    "key" => key = K::read_text(text)?,
                    "value" => value = V::read_text(text)?,
                    _ => return Ok(false),
                }
                Ok(true)
            })?;
            field.insert(key, value);
            Ok(())
        })
    }

    pub(crate) fn step<T>(_: &T, name: &str) -> String {
        name.to_owned()
    }
}

/// Fields of which at most one is set.
pub(crate) mod oneof {
    use crate::Result;
    use crate::text::TextReader;
    use crate::wire::{Oneof, Reader, Wire};

    pub(crate) type Of<T> = Option<T>;

    pub(crate) fn merge<T: Oneof>(
        field: &mut Option<T>,
        number: u32,
        wire: Wire,
        reader: &mut Reader<'_>,
    ) -> Result<bool> {
        let value = T::read(number, wire, reader)?;
        let known = value.is_some();
        if known {
            *field = value;
        }
        Ok(known)
    }

    pub(crate) fn put<T: Oneof>(field: &Option<T>, _: u32, out: &mut Vec<u8>) {
        if let Some(value) = field {
            value.write(out);
        }
    }

    pub(crate) fn sort<T: Oneof>(field: &mut Option<T>) {
        field.iter_mut().for_each(Oneof::sort_maps);
    }

    pub(crate) fn owns<T: Oneof>(_: &Option<T>, _: &str, found: &str) -> bool {
        T::NAMES.iter().any(|name| name.trim_start_matches("r#") == found)
    }

    pub(crate) fn text<T: Oneof>(field: &mut Option<T>, name: &str, text: &mut TextReader<'_>) -> Result<()> {
        *field = T::read_text(name, text)?;
        Ok(())
    }

    // The oneof adds its variant's name itself.
    pub(crate) fn step<T>(_: &Option<T>, _: &str) -> String {
        String::new()
    }
}
