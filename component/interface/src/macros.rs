//! [`interface!`](crate::interface) and [`error_codes!`](crate::error_codes).

/// Declares an interface: the trait that a server implements, `dispatch`, the client, and the methods' types.
///
/// ```
/// # mod drawer {
/// use isthmus_interface::{error_codes, interface};
///
/// error_codes! {
///     /// What can go wrong.
///     pub enum DrawerError {
///         /// There is nothing in it.
///         Empty = 1, "there is nothing in it";
///     }
/// }
///
/// interface! {
///     /// A drawer for one number and one capability.
///     pub interface Drawer as "drawer", client DrawerClient, error DrawerError {
///         /// Puts a number in; returns the old one.
///         0 => call put(number: u64) -> u64;
///         /// Puts a capability in.
///         1 => call hide() takes capability;
///         /// Takes the capability out.
///         2 => call find() gives capability;
///         /// Empties it, some time.
///         3 => send clear(reason: u8);
///     }
/// }
/// # }
/// # fn main() {}
/// ```
///
/// The number before a method is its ordinal: it stays with the method for ever. A label is a hash of the interface's name and the
/// method's text, so that any change of a method's signature makes it another method (`VersionMismatch`), and adding one
/// changes no other. What a type of the signature means is not in the hash: give a changed type another name.
#[macro_export]
macro_rules! interface {
    (
        $(#[$meta:meta])*
        $vis:vis interface $Server:ident as $name:literal, client $Client:ident, error $Error:ty {
            $(
                $(#[$doc:meta])*
                $ordinal:literal => $kind:ident $method:ident($($arg:ident: $ty:ty),* $(,)?)
                    $(takes $takes:ident)? $(gives $gives:ident)? $(-> $reply:ty)?;
            )*
        }
    ) => {
        $(#[$meta])*
        ///
        /// This is the server's side.
        $vis trait $Server {
            /// A capability, as the server's transport names it.
            type Capability;

            $($crate::__server_method! {
                $(#[$doc])* $kind $method ($($arg: $ty),*) [$($takes)?] [$($gives)?] [$($reply)?] [$Error]
            })*
        }

        /// The methods' types.
        $vis mod method {
            #![allow(non_camel_case_types)]
            use super::*;
            $(
                $(#[$doc])*
                #[derive(Clone, Copy, Debug)]
                pub struct $method;

                impl $crate::Method for $method {
                    const NAME: &'static str = concat!($name, ".", stringify!($method));
                    const LABEL: $crate::abi::Label = $crate::abi::Label::method(
                        concat!(
                            $name, " ", stringify!($kind $method($($arg: $ty),*)),
                            $(" takes ", stringify!($takes),)?
                            $(" gives ", stringify!($gives),)?
                            $(" -> ", stringify!($reply),)?
                            " error ", stringify!($Error)
                        ),
                        $ordinal,
                        $crate::__way!($kind),
                    );
                    const TAKES: $crate::Passes = $crate::__passes!($($takes)?);
                    const GIVES: $crate::Passes = $crate::__passes!($($gives)?);
                    type Arguments = ($($ty,)*);
                    type Reply = $crate::__or_unit!($($reply)?);
                    type Error = $Error;
                }
            )*

            /// The labels of all methods.
            pub const LABELS: &[$crate::abi::Label] = &[$(<$method as $crate::Method>::LABEL),*];
        }

        /// Has `server` run the method that `request` asks for. The answer is in `answer`, if one is to be sent. A capability that
        /// is left in the request was not wanted.
        $vis fn dispatch<S: $Server>(
            server: &mut S,
            request: &mut $crate::Request<'_, S::Capability>,
            answer: &mut $crate::Answer<S::Capability>,
        ) -> $crate::Disposition {
            let label = request.label.untraced();
            let refused = 'run: {
                $(
                    if label == <method::$method as $crate::Method>::LABEL {
                        match $crate::decode::<method::$method, _>(request) {
                            Ok((($($arg,)*), capability)) => {
                                let _ = &capability;
                                $crate::__run! {
                                    $kind server $method (request.badge $(, $arg)*) capability answer
                                    [$($takes)?] [$($gives)?]
                                }
                                return $crate::Disposition::of(label);
                            }
                            Err(reason) => break 'run reason,
                        }
                    }
                )*
                $crate::refuse(label, method::LABELS)
            };
            answer.outcome(refused.into());
            $crate::Disposition::of(label)
        }

        $(#[$meta])*
        ///
        /// This is the client's side.
        #[derive(Debug)]
        $vis struct $Client<'t, T: $crate::Transport> {
            transport: &'t T,
            endpoint: T::Capability,
        }

        impl<T: $crate::Transport> Clone for $Client<'_, T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T: $crate::Transport> Copy for $Client<'_, T> {}

        impl<'t, T: $crate::Transport> $Client<'t, T> {
            /// The interface's name.
            pub const INTERFACE: &'static str = $name;

            /// A client of the server behind `endpoint`.
            pub const fn new(transport: &'t T, endpoint: T::Capability) -> Self {
                Self { transport, endpoint }
            }

            /// The capability that it calls through.
            pub const fn endpoint(&self) -> T::Capability {
                self.endpoint
            }

            $($crate::__client_method! {
                $(#[$doc])* $kind $method ($($arg: $ty),*) [$($takes)?] [$($gives)?] [$($reply)?] [$Error]
            })*
        }
    };
}

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

#[doc(hidden)]
#[macro_export]
macro_rules! __way {
    (call) => {
        $crate::abi::label::Way::Call
    };
    (send) => {
        $crate::abi::label::Way::OneWay
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __passes {
    () => {
        $crate::Passes::Nothing
    };
    (capability) => {
        $crate::Passes::Capability
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __or_unit {
    () => {
        ()
    };
    ($type:ty) => {
        $type
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __server_method {
    ($(#[$doc:meta])* call $method:ident ($($arg:ident: $ty:ty),*) [$($takes:ident)?] [$($gives:ident)?] [$($reply:ty)?] [$Error:ty]) => {
        $(#[$doc])*
        ///
        /// `badge` tells through which capability the call came.
        fn $method(&mut self, badge: u64 $(, $arg: $ty)* $(, $takes: Self::Capability)?)
            -> Result<$crate::__answer!([$($reply)?] [$($gives)?] Self::Capability), $Error>;
    };
    ($(#[$doc:meta])* send $method:ident ($($arg:ident: $ty:ty),*) [$($takes:ident)?] [] [] [$Error:ty]) => {
        $(#[$doc])*
        ///
        /// `badge` tells through which capability the message came; nobody waits.
        fn $method(&mut self, badge: u64 $(, $arg: $ty)* $(, $takes: Self::Capability)?);
    };
}

/// What a handler returns: a result, and the capability beside it, if one is given.
#[doc(hidden)]
#[macro_export]
macro_rules! __answer {
    ([$($reply:ty)?] [] $capability:ty) => { $crate::__or_unit!($($reply)?) };
    ([$($reply:ty)?] [capability] $capability:ty) => { ($crate::__or_unit!($($reply)?), $capability) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __run {
    (call $server:ident $method:ident ($($arg:expr),*) $capability:ident $answer:ident [$($takes:ident)?] [$($gives:ident)?]) => {
        match $server.$method($($arg,)* $($crate::__taken!($takes $capability))?) {
            Ok(result) => $crate::__reply!($answer result $($gives)?),
            Err(error) => $answer.error(&error),
        }
    };
    (send $server:ident $method:ident ($($arg:expr),*) $capability:ident $answer:ident [$($takes:ident)?] []) => {
        $server.$method($($arg,)* $($crate::__taken!($takes $capability))?);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __taken {
    ($takes:ident $capability:ident) => {
        $capability.expect("`decode` has checked that it came")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __reply {
    ($answer:ident $result:ident) => {
        $answer.reply(&$result, None)
    };
    ($answer:ident $result:ident capability) => {
        $answer.reply(&$result.0, Some($result.1))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __client_method {
    ($(#[$doc:meta])* call $method:ident ($($arg:ident: $ty:ty),*) [$($takes:ident)?] [$($gives:ident)?] [$($reply:ty)?] [$Error:ty]) => {
        $(#[$doc])*
        #[inline]
        pub fn $method(&self $(, $arg: $ty)* $(, $takes: T::Capability)?)
            -> Result<$crate::__answer!([$($reply)?] [$($gives)?] T::Capability), $crate::CallError<$Error>>
        {
            let sent = $crate::__sent!($($takes)?);
            let (reply, given) =
                $crate::call::<method::$method, T>(self.transport, self.endpoint, &($($arg,)*), sent)?;
            Ok($crate::__given!(reply given $($gives)?))
        }
    };
    ($(#[$doc:meta])* send $method:ident ($($arg:ident: $ty:ty),*) [$($takes:ident)?] [] [] [$Error:ty]) => {
        $(#[$doc])*
        #[inline]
        pub fn $method(&self $(, $arg: $ty)* $(, $takes: T::Capability)?) -> Result<(), $crate::abi::NotExecuted> {
            let sent = $crate::__sent!($($takes)?);
            $crate::send::<method::$method, T>(self.transport, self.endpoint, &($($arg,)*), sent)
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __sent {
    () => {
        None
    };
    ($capability:ident) => {
        Some($capability)
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __given {
    ($reply:ident $given:ident) => {{
        let _ = $given;
        $reply
    }};
    ($reply:ident $given:ident capability) => {
        ($reply, $given.expect("`call` has checked that it came"))
    };
}
