//! google/protobuf/any.proto

message! {
    /// A message of a type that is named beside it.
    Any {
        /// `type.googleapis.com/` and the message's full name.
        single 1 type_url: String,
        /// The message's bytes.
        single 2 value: Vec<u8>,
    }
}
