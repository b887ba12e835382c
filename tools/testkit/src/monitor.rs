//! QEMU's monitor: a command, and what it answers.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What QEMU says when it is ready for a command.
const PROMPT: &[u8] = b"(qemu) ";
/// Longer than it takes for anything.
const LIMIT: Duration = Duration::from_secs(10);
/// No answer is as long as this.
const LONGEST: usize = 1 << 20;

/// Has the QEMU that listens at `socket` obey a command.
///
/// # Errors
/// Those of the socket; `TimedOut` or `WouldBlock` if it does not answer.
pub fn obey(socket: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    until_prompt(&mut stream)?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    let answer = until_prompt(&mut stream)?;
    // It repeats the command as if a terminal were there: the answer begins on the next line.
    let text = String::from_utf8_lossy(&answer);
    Ok(text
        .split_once('\n')
        .map_or("", |(_, answer)| answer)
        .trim_end()
        .to_owned())
}

fn until_prompt(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    let mut room = [0; 4096];
    while !heard.ends_with(PROMPT) {
        match stream.read(&mut room)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if heard.len() > LONGEST => return Err(io::ErrorKind::InvalidData.into()),
            count => heard.extend_from_slice(&room[..count]),
        }
    }
    heard.truncate(heard.len() - PROMPT.len());
    Ok(heard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn an_answer_is_what_comes_between_the_prompts() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("monitor");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let qemu = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a guest");
            stream
                .write_all(b"QEMU 7.2 monitor\r\n(qemu) ")
                .expect("heard");
            let mut command = [0; 10];
            stream.read_exact(&mut command).expect("a command");
            assert_eq!(&command, b"info uuid\n");
            stream
                .write_all(b"info uuid\r\nno uuid\r\n(qemu) ")
                .expect("heard");
        });
        assert_eq!(obey(&socket, "info uuid").expect("an answer"), "no uuid");
        qemu.join().expect("no assertion failed");
        assert!(obey(&socket, "info uuid").is_err(), "nobody listens");
    }
}
