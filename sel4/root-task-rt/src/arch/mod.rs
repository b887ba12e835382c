#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::{clean_up, use_thread_locals};
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::{clean_up, use_thread_locals};
