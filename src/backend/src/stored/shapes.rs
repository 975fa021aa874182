//! How records and variants of others are stored: one line each says the order of fields and the numbers of variants.

/// The order in which the fields of a record are stored; it may only grow at the end, see `stored/mod.rs`.
macro_rules! layout {
    ($name:ident $(<$parameter:ident>)? { $($field:ident),* $(,)? }) => {
        impl $(<$parameter: $crate::stored::Stored>)? $crate::stored::Stored for $name $(<$parameter>)? {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn take(from: &mut $crate::stored::Reader<'_>) -> Option<Self> {
                Some(Self { $($field: $crate::stored::Stored::take(from)?),* })
            }
        }
    };
}

/// The numbers under which the variants of a type are stored, each with the names of its fields; numbers are never used again.
macro_rules! variants {
    ($name:ident { $($number:literal = $variant:ident $(($item:ident))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl $crate::stored::Stored for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {
                    $(Self::$variant $(($item))? $({ $($field),* })? => {
                        out.push($number);
                        $($item.put(out);)?
                        $($($field.put(out);)*)?
                    })*
                }
            }

            fn take(from: &mut $crate::stored::Reader<'_>) -> Option<Self> {
                match from.byte()? {
                    $($number => {
                        $(let $item = $crate::stored::Stored::take(from)?;)?
                        Some(Self::$variant $(($item))? $({ $($field: $crate::stored::Stored::take(from)?),* })?)
                    })*
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use {layout, variants};
