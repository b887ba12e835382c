//! The proxy's figures.

use isthmus_interface::{Malformed, Reader, TooLong, Wire, Writer};

macro_rules! figures {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $vis struct $name { $($(#[$doc])* pub $field: u64,)* }

        impl $name {
            /// Each figure with its name.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field),)*].into_iter()
            }
        }

        impl Wire for $name {
            const MAX_WORDS: usize = [$(stringify!($field),)*].len();

            fn write(&self, writer: &mut Writer<'_>) -> Result<(), TooLong> {
                $(writer.word(self.$field)?;)*
                Ok(())
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(Self { $($field: reader.word()?,)* })
            }
        }
    };
}

figures! {
    /// What the proxy has done since its start. All are counts, `exports`, `imports`, `keys` and `lending` of what there is now.
    pub struct Statistics {
        /// Allocations of its heap: must stand still once it runs.
        allocations,
        /// Calls of local clients that the protocol accepted.
        calls,
        /// Of these, those that ended with the server's reply.
        replies,
        /// Calls that ended as not executed, those that the protocol did not accept included.
        not_executed,
        /// Calls whose outcome is unknown.
        unknown,
        /// One-way messages of local clients that the protocol accepted.
        messages,
        /// One-way messages of local clients that were dropped: nobody waits for an outcome.
        messages_dropped,
        /// Requests of peers that a worker took.
        requests,
        /// Requests of peers that were turned away without a worker.
        requests_refused,
        /// Capabilities of this machine that one peer has handed on to another.
        handed_on,
        /// Capabilities of this machine that peers have, now.
        exports,
        /// Capabilities of peers that components of this machine have, now.
        imports,
        /// Imports that were given up because the component had ended that they were made for.
        orphaned,
        /// Capabilities of this machine that policy kept from a peer, and calls of naming that it refused.
        not_permitted,
        /// Exports whose capability was taken back by its owner.
        revoked,
        /// Workers that were stopped because nobody waited any more.
        aborted,
        /// Sessions that began.
        sessions_up,
        /// Sessions that ended.
        sessions_down,
        /// Frames handed to the card or to the network server.
        frames_out,
        /// Frames that came and had an effect.
        frames_in,
        /// Frames that came damaged.
        frames_corrupt,
        /// Frames that came and were dropped for another reason: strangers, old sessions, repetitions of what is over.
        frames_dropped,
        /// Of the frames that had an effect, those with what other machines' views of the cluster had to say.
        views_in,
        /// Of the frames handed on, those with what this machine's view had to say.
        views_out,
        /// The generation of the cluster's keys, now; 0 without any.
        keys,
        /// Updates of the keys that came and were not taken: forged, for others, or no newer than what was there.
        keys_refused,
        /// Times that a machine proved to live whose identity another has taken.
        twins,
        /// Times that the timer was armed.
        arms,
        /// Times that the processor was kept awake for an answer.
        lingered,
        /// Memory that components have lent.
        loans,
        /// Rows of the proxy's tables for lent memory that are in use, now: loans, requests that came with one, fetches and stores.
        lending,
        /// Fetches and stores of servers of this machine that moved every byte.
        transfers,
        /// Chunks of lent memory that were sent.
        chunks_out,
        /// Chunks of lent memory that came and were written.
        chunks_in,
        /// Turns of the main thread.
        turns,
        /// Calls that clients submitted through rings.
        submissions,
        /// Records in those rings that could not even be answered.
        rubbish,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let statistics = Statistics {
            calls: 3,
            turns: u64::MAX,
            ..Statistics::default()
        };
        let mut words = [0; Statistics::MAX_WORDS];
        statistics.write(&mut Writer::new(&mut words)).unwrap();
        assert_eq!(Statistics::read(&mut Reader::new(&words)), Ok(statistics));
        assert_eq!(statistics.iter().count(), Statistics::MAX_WORDS);
    }
}
