//! Outcomes: what a caller learns when it gets no reply.
//!
//! *Not executed* is said only when the request was never sent, or when the callee's side said itself that it did not run;
//! everything else is *unknown*. On the wire and in a message an outcome is a label and one word: the reason's number in
//! the low 16 bits, a detail in the upper 32.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::label::Label;

macro_rules! reasons {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal, $text:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[repr(u16)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant = $code,)* }

        impl $name {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number that stands for it in a message.
            #[must_use]
            pub const fn code(self) -> u16 { self as u16 }

            /// The reason with this number; `Other` for one that a newer system may have.
            #[must_use]
            pub const fn from_code(code: u16) -> Self {
                match code { $($code => Self::$variant,)* _ => Self::Other }
            }

            /// In words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.text()) }
        }
    };
}

reasons! {
    /// Why a request did certainly not run.
    NotExecuted {
        /// A reason that this version does not know.
        Other = 0, "for a reason that this version does not know";
        /// The server has no method with this number.
        UnknownMethod = 1, "the server has no such method";
        /// The server's method with this number has another signature.
        VersionMismatch = 2, "the server's method has another signature";
        /// The arguments cannot be decoded: too short, too long, or malformed.
        BadArguments = 3, "the arguments cannot be decoded";
        /// The method needs a capability and none came.
        MissingCapability = 4, "the method needs a capability and none came";
        /// A capability came that the method does not take.
        UnexpectedCapability = 5, "the method takes no capability and one came";
        /// Arguments, result or capabilities do not fit one message.
        TooLong = 6, "it does not fit one message";
        /// The capability called is no endpoint, or an empty slot.
        NotAnEndpoint = 7, "the capability called is not an endpoint";
        /// The server has died; it had not taken the request.
        ComponentDied = 8, "the server has died";
        /// The server has no such object (any more).
        NoSuchObject = 9, "the server has no such object";
        /// The asker has no right to it.
        NotPermitted = 10, "the caller has no right to it";
        /// A table, queue or pool that is bounded is full; the asker has asked for too much.
        Overload = 11, "too much was asked for";
        /// No session with the machine.
        PeerUnreachable = 12, "the machine cannot be reached";
        /// The deadline passed before the request was sent, or the callee's side says it never ran.
        DeadlinePassed = 13, "the deadline passed before it ran";
        /// The caller cancelled and the callee's side says it never ran.
        Cancelled = 14, "it was cancelled before it ran";
        /// The session that the capability belonged to has ended.
        SessionEnded = 15, "the session that the capability belongs to has ended";
        /// The exporter has revoked the capability.
        Revoked = 16, "the capability was revoked";
        /// A capability of this kind cannot be sent to another machine.
        NotExportable = 17, "a capability of this kind cannot cross machines";
        /// A one-way label was called, or a method that answers was sent.
        WrongWay = 18, "a call was sent one-way, or a one-way method was called";
        /// A capability came of another kind than the method takes.
        WrongCapability = 19, "a capability of another kind came than the method takes";
    }
}

reasons! {
    /// Why nobody can tell whether a request ran.
    Unknown {
        /// A reason that this version does not know.
        Other = 0, "for a reason that this version does not know";
        /// The server died after it had taken the request.
        ComponentDied = 1, "the server died after it had taken the request";
        /// The deadline passed after the request was sent.
        DeadlinePassed = 2, "the deadline passed after the request was sent";
        /// The machine was declared dead after the request was sent.
        PeerLost = 3, "the machine was lost after the request was sent";
        /// The caller cancelled after the request was sent.
        Cancelled = 4, "it was cancelled after the request was sent";
        /// The session ended after the request was sent.
        SessionEnded = 5, "the session ended after the request was sent";
        /// It ran and answered, but the answer cannot be decoded.
        BadReply = 6, "the answer cannot be decoded";
        /// It ran and answered, but the answer cannot be carried to the caller.
        ReplyLost = 7, "the answer could not be carried back";
        /// The thread that made the call was aborted.
        Aborted = 8, "the thread that made the call was aborted";
        /// It ran and answered, but the exporter's policy keeps the capability of its answer from the caller's machine.
        NotPermitted = 9, "it ran, but the capability of its answer may not go to the caller's machine";
    }
}

impl NotExecuted {
    /// Whether a server may say it about itself: what a dispatch finds out before it runs anything. The other reasons are
    /// the system's to give, and netipc refuses them from a server.
    #[must_use]
    pub const fn may_come_from_server(self) -> bool {
        matches!(
            self,
            Self::UnknownMethod
                | Self::VersionMismatch
                | Self::BadArguments
                | Self::MissingCapability
                | Self::UnexpectedCapability
                | Self::TooLong
                | Self::NoSuchObject
                | Self::NotPermitted
                | Self::Overload
                | Self::WrongWay
                | Self::WrongCapability
        )
    }
}

/// What became of a request that got no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// It certainly did not run.
    NotExecuted(NotExecuted),
    /// It may have run, once, or not at all.
    Unknown(Unknown),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotExecuted(reason) => write!(f, "not executed: {reason}"),
            Self::Unknown(reason) => write!(f, "unknown whether executed: {reason}"),
        }
    }
}

impl core::error::Error for Outcome {}

impl From<NotExecuted> for Outcome {
    fn from(reason: NotExecuted) -> Self {
        Self::NotExecuted(reason)
    }
}

impl From<Unknown> for Outcome {
    fn from(reason: Unknown) -> Self {
        Self::Unknown(reason)
    }
}

impl Outcome {
    /// Label and word of the message (of length 1) that says it.
    #[must_use]
    pub const fn encode(self) -> (Label, u64) {
        match self {
            Self::NotExecuted(reason) => (Label::NOT_EXECUTED, reason.code() as u64),
            Self::Unknown(reason) => (Label::UNKNOWN, reason.code() as u64),
        }
    }

    /// Reads a message; `None` if its label is no outcome's. A label of the reserved range that this version does not know
    /// is read as `Unknown(Other)`: the cautious reading.
    #[must_use]
    pub const fn decode(label: Label, word: u64) -> Option<Self> {
        let code = word as u16;
        match (label.kind(), label) {
            (_, Label::NOT_EXECUTED) => Some(Self::NotExecuted(NotExecuted::from_code(code))),
            (_, Label::UNKNOWN) => Some(Self::Unknown(Unknown::from_code(code))),
            (crate::label::Kind::Outcome, _) => Some(Self::Unknown(Unknown::Other)),
            _ => None,
        }
    }

    /// What a caller makes of the label of any answer: `Ok` for a server's reply, else the outcome. An error of the kernel
    /// means that the capability called was no endpoint (a label of ours does nothing on any kernel object).
    pub const fn of_answer(label: Label, word: u64) -> Result<(), Self> {
        match label.kind() {
            crate::label::Kind::Reply => Ok(()),
            crate::label::Kind::KernelError => Err(Self::NotExecuted(NotExecuted::NotAnEndpoint)),
            _ => match Self::decode(label, word) {
                Some(outcome) => Err(outcome),
                None => Err(Self::Unknown(Unknown::BadReply)),
            },
        }
    }
}
