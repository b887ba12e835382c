//! [`error_codes!`](crate::error_codes).

/// Declares the error of an interface: codes that stay, and words for people.
#[macro_export]
macro_rules! error_codes {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$doc])* $variant = $code,)*
        }

        impl $crate::Wire for $name {
            const MAX_WORDS: usize = 1;
            const SHAPE: $crate::Shape =
                $crate::Shape::Choice(stringify!($name), &[$((stringify!($variant), $code)),*]);

            fn write(&self, writer: &mut $crate::Writer<'_>) -> Result<(), $crate::TooLong> {
                writer.word(*self as u64)
            }

            fn read(reader: &mut $crate::Reader<'_>) -> Result<Self, $crate::Malformed> {
                match reader.word()? {
                    $($code => Ok(Self::$variant),)*
                    _ => Err($crate::Malformed),
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $text,)*
                })
            }
        }

        impl ::core::error::Error for $name {}
    };
}
