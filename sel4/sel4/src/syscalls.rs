//! System calls: send, receive, call, reply, signal.
//!
//! A name that ends in `_with_mrs` carries up to four message words in machine registers, both ways, and touches no memory: use those. The
//! others take all words from the IPC buffer and leave all words there.

use crate::arch::syscalls as raw;
use crate::cptr::{Cap, CapType, InvocationContext, cap};
use crate::{IpcBuffer, MessageInfo, NUM_FAST_MESSAGE_REGISTERS, Word, sys};

/// The sender's badge, or a notification's word.
pub type Badge = Word;

/// What waiting returns besides the badge: nothing, since notifications carry no message on this kernel.
pub type WaitMessageInfo = ();

/// What stands for the authority to reply. On this kernel it lies in the receiver's thread, so it is `()`.
pub trait ConveysReplyAuthority: sealed::Sealed {}

impl ConveysReplyAuthority for () {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for () {}

    pub trait FastMessagesSealed {}
    impl<const N: usize> FastMessagesSealed for [super::Word; N] {}
    impl FastMessagesSealed for &[super::Word] {}
}

/// Up to four message words.
pub trait FastMessages: sealed::FastMessagesSealed {
    /// The words, filled up with zeros.
    fn prepare_in(self) -> [Word; NUM_FAST_MESSAGE_REGISTERS];
}

impl<const N: usize> FastMessages for [Word; N] {
    #[inline(always)]
    fn prepare_in(self) -> [Word; NUM_FAST_MESSAGE_REGISTERS] {
        const {
            assert!(
                N <= NUM_FAST_MESSAGE_REGISTERS,
                "at most four words travel in registers"
            )
        };
        core::array::from_fn(|index| if index < N { self[index] } else { 0 })
    }
}

impl FastMessages for &[Word] {
    /// Words beyond the fourth are not sent this way; `info` must not count them.
    #[inline(always)]
    fn prepare_in(self) -> [Word; NUM_FAST_MESSAGE_REGISTERS] {
        core::array::from_fn(|index| self.get(index).copied().unwrap_or(0))
    }
}

/// A message that was received, its first four words, and who sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecvWithMRs {
    /// The header.
    pub info: MessageInfo,
    /// The sender's badge.
    pub badge: Badge,
    /// The first four words; those beyond the message's length mean nothing.
    pub msg: [Word; NUM_FAST_MESSAGE_REGISTERS],
}

/// An answer and its first four words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallWithMRs {
    /// The header.
    pub info: MessageInfo,
    /// The first four words; those beyond the message's length mean nothing.
    pub msg: [Word; NUM_FAST_MESSAGE_REGISTERS],
}

#[inline(always)]
fn received((badge, info, msg): (Word, Word, [Word; 4])) -> RecvWithMRs {
    RecvWithMRs {
        info: MessageInfo::from_word(info),
        badge,
        msg,
    }
}

#[inline(always)]
fn received_into(
    ipc_buffer: &mut IpcBuffer,
    (badge, info, msg): (Word, Word, [Word; 4]),
) -> (MessageInfo, Badge) {
    ipc_buffer.set_first_words(msg);
    (MessageInfo::from_word(info), badge)
}

impl<T: CapType, C: InvocationContext> Cap<T, C> {
    /// Sends, and blocks until somebody receives. Corresponds to `seL4_Send`.
    #[inline]
    pub fn send(self, info: MessageInfo) {
        self.invoke(|cptr, ipc_buffer| {
            raw::send(
                sys::seL4_SysSend,
                cptr.bits(),
                info.into_word(),
                ipc_buffer.first_words(),
            )
        });
    }

    /// Sends if somebody waits, else does nothing. Corresponds to `seL4_NBSend`.
    #[inline]
    pub fn nb_send(self, info: MessageInfo) {
        self.invoke(|cptr, ipc_buffer| {
            raw::send(
                sys::seL4_SysNBSend,
                cptr.bits(),
                info.into_word(),
                ipc_buffer.first_words(),
            )
        });
    }

    /// Blocks until a message comes. Corresponds to `seL4_Recv`.
    #[inline]
    pub fn recv(self, _reply_authority: impl ConveysReplyAuthority) -> (MessageInfo, Badge) {
        self.invoke(|cptr, ipc_buffer| {
            received_into(ipc_buffer, raw::recv(sys::seL4_SysRecv, cptr.bits()))
        })
    }

    /// Receives if somebody waits to send; else the badge is 0. Corresponds to `seL4_NBRecv`.
    #[inline]
    pub fn nb_recv(self, _reply_authority: impl ConveysReplyAuthority) -> (MessageInfo, Badge) {
        self.invoke(|cptr, ipc_buffer| {
            received_into(ipc_buffer, raw::recv(sys::seL4_SysNBRecv, cptr.bits()))
        })
    }

    /// Sends, and blocks for the answer. Corresponds to `seL4_Call`.
    #[inline]
    pub fn call(self, info: MessageInfo) -> MessageInfo {
        self.invoke(|cptr, ipc_buffer| {
            let answer = raw::send_recv(
                sys::seL4_SysCall,
                cptr.bits(),
                info.into_word(),
                ipc_buffer.first_words(),
            );
            received_into(ipc_buffer, answer).0
        })
    }

    /// Answers the last caller and receives. Corresponds to `seL4_ReplyRecv`.
    #[inline]
    pub fn reply_recv(
        self,
        info: MessageInfo,
        _reply_authority: impl ConveysReplyAuthority,
    ) -> (MessageInfo, Badge) {
        self.invoke(|cptr, ipc_buffer| {
            let next = raw::send_recv(
                sys::seL4_SysReplyRecv,
                cptr.bits(),
                info.into_word(),
                ipc_buffer.first_words(),
            );
            received_into(ipc_buffer, next)
        })
    }
}

impl<T: CapType, C> Cap<T, C> {
    /// [`send`](Cap::send) with the first words in registers. Corresponds to `seL4_SendWithMRs`.
    #[inline(always)]
    pub fn send_with_mrs<M: FastMessages>(self, info: MessageInfo, messages: M) {
        raw::send(
            sys::seL4_SysSend,
            self.bits(),
            info.into_word(),
            messages.prepare_in(),
        );
    }

    /// [`nb_send`](Cap::nb_send) with the first words in registers. Corresponds to `seL4_NBSendWithMRs`.
    #[inline(always)]
    pub fn nb_send_with_mrs<M: FastMessages>(self, info: MessageInfo, messages: M) {
        raw::send(
            sys::seL4_SysNBSend,
            self.bits(),
            info.into_word(),
            messages.prepare_in(),
        );
    }

    /// [`recv`](Cap::recv) with the first words in registers. Corresponds to `seL4_RecvWithMRs`.
    #[inline(always)]
    pub fn recv_with_mrs(self, _reply_authority: impl ConveysReplyAuthority) -> RecvWithMRs {
        received(raw::recv(sys::seL4_SysRecv, self.bits()))
    }

    /// [`nb_recv`](Cap::nb_recv) with the first words in registers. Corresponds to `seL4_NBRecvWithMRs`.
    #[inline(always)]
    pub fn nb_recv_with_mrs(self, _reply_authority: impl ConveysReplyAuthority) -> RecvWithMRs {
        received(raw::recv(sys::seL4_SysNBRecv, self.bits()))
    }

    /// [`call`](Cap::call) with the first words in registers. Corresponds to `seL4_CallWithMRs`.
    #[inline(always)]
    pub fn call_with_mrs<M: FastMessages>(self, info: MessageInfo, messages: M) -> CallWithMRs {
        let (_, info, msg) = raw::send_recv(
            sys::seL4_SysCall,
            self.bits(),
            info.into_word(),
            messages.prepare_in(),
        );
        CallWithMRs {
            info: MessageInfo::from_word(info),
            msg,
        }
    }

    /// [`reply_recv`](Cap::reply_recv) with the first words in registers. Corresponds to `seL4_ReplyRecvWithMRs`.
    #[inline(always)]
    pub fn reply_recv_with_mrs<M: FastMessages>(
        self,
        info: MessageInfo,
        messages: M,
        _reply_authority: impl ConveysReplyAuthority,
    ) -> RecvWithMRs {
        received(raw::send_recv(
            sys::seL4_SysReplyRecv,
            self.bits(),
            info.into_word(),
            messages.prepare_in(),
        ))
    }
}

impl<C> cap::Notification<C> {
    /// Signals. Corresponds to `seL4_Signal`.
    ///
    /// The kernel has no such call: it is a Send, so on an endpoint it would block.
    #[inline(always)]
    pub fn signal(self) {
        raw::send_null(
            sys::seL4_SysSend,
            self.bits(),
            MessageInfo::new(0, 0, 0, 0).into_word(),
        );
    }

    /// Blocks until it is signalled, and takes its word. Corresponds to `seL4_Wait`.
    #[inline(always)]
    pub fn wait(self) -> (WaitMessageInfo, Badge) {
        ((), self.recv_with_mrs(()).badge)
    }

    /// Takes its word; 0 when it was not signalled. Corresponds to `seL4_Poll`.
    #[inline(always)]
    pub fn poll(self) -> (MessageInfo, Badge) {
        let polled = self.nb_recv_with_mrs(());
        (polled.info, polled.badge)
    }
}

/// Answers the last caller. Corresponds to `seL4_Reply`. Without a caller it does nothing.
#[inline]
pub fn reply(ipc_buffer: &mut IpcBuffer, info: MessageInfo) {
    raw::send(
        sys::seL4_SysReply,
        0,
        info.into_word(),
        ipc_buffer.first_words(),
    );
}

/// [`reply`] with the first words in registers. Corresponds to `seL4_ReplyWithMRs`.
#[inline(always)]
pub fn reply_with_mrs<M: FastMessages>(info: MessageInfo, messages: M) {
    raw::send(
        sys::seL4_SysReply,
        0,
        info.into_word(),
        messages.prepare_in(),
    );
}

/// Gives the rest of the time slice to a thread of the same priority. Corresponds to `seL4_Yield`.
#[inline]
pub fn r#yield() {
    raw::send_null(sys::seL4_SysYield, 0, 0);
}
