//! The harness on emulators that are there, with images that only ever print a word.

#![forbid(unsafe_code)]

use std::path::Path;
use std::time::{Duration, Instant};

use isthmus_testkit::{Arch, Cluster, Said, SystemImage, contains, find_program};

const LONG: Duration = Duration::from_secs(30);

/// A program for the bare `virt` board: writes "ok\n" to the serial port's data register, then sleeps for ever.
fn image(folder: &Path) -> SystemImage {
    const CODE: [u32; 9] = [
        0xd2a1_2000, // mov  x0, #0x09000000
        0x5280_0de1, // mov  w1, #'o'
        0x3900_0001, // strb w1, [x0]
        0x5280_0d61, // mov  w1, #'k'
        0x3900_0001, // strb w1, [x0]
        0x5280_0141, // mov  w1, #'\n'
        0x3900_0001, // strb w1, [x0]
        0xd503_207f, // wfi
        0x17ff_ffff, // b    .-4
    ];
    let bytes: Vec<u8> = CODE.iter().flat_map(|word| word.to_le_bytes()).collect();
    let files = SystemImage::files(Arch::Aarch64, folder);
    std::fs::write(files.files()[0], bytes).expect("a file");
    std::fs::create_dir(folder.join(SystemImage::PROGRAMS)).expect("a folder");
    SystemImage::open(folder).expect("it is whole")
}

/// The emulator is installed by `./isthmus setup`; where it is not, there is nothing to test.
fn has_emulator() -> bool {
    let found = find_program("qemu-system-aarch64".as_ref()).is_some();
    if !found {
        eprintln!("not tested: qemu-system-aarch64 is not installed");
    }
    found
}

#[test]
fn machines_speak_die_and_come_back_and_leave_nothing() {
    if !has_emulator() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let image = image(folder.path());
    let cluster = Cluster::of([&image, &image]).start().expect("two machines");
    cluster
        .wait_for_all(&contains("ok"), LONG)
        .expect("both speak");
    let sockets = cluster.machine(1).definition().command_line().to_string();
    let folder = sockets
        .split("addr.path=")
        .nth(1)
        .and_then(|rest| rest.split("/1.net").next())
        .expect("a socket's path")
        .to_owned();
    assert!(Path::new(&folder).is_dir());

    let failure = cluster
        .machine(1)
        .wait_for(&contains("never said"), Duration::from_millis(50))
        .expect_err("it is not said");
    assert!(
        failure.to_string().contains("never said") && failure.transcript().contains("1 | ok"),
        "{failure}"
    );

    let killer = cluster.machine(2).killer();
    killer.kill();
    let start = Instant::now();
    let failure = cluster
        .machine(2)
        .wait_for(&contains("never said"), LONG)
        .expect_err("it is dead");
    assert!(
        failure.what().contains("has ended") && start.elapsed() < LONG / 2,
        "a dead machine is not waited for: {failure}"
    );
    cluster.machine(2).restart().expect("it starts again");
    assert_eq!(cluster.machine(2).boots(), 2);
    cluster
        .machine(2)
        .wait_for(&contains("ok"), LONG)
        .expect("it speaks again");
    let lines = cluster.machine(2).lines();
    assert!(
        lines.iter().all(|line| line.boot == 2)
            && lines
                .iter()
                .any(|line| line.said == Said::Plain("ok".into()))
    );
    assert!(cluster.machine(2).start().is_err(), "it is running already");

    drop(cluster);
    assert!(!Path::new(&folder).exists());
}

#[test]
fn an_incomplete_image_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = SystemImage::files(Arch::X86_64, folder.path());
    std::fs::write(files.files()[0], "").expect("a file");
    let failure = SystemImage::open(folder.path()).expect_err("there is no root task");
    assert!(failure.what().contains("./isthmus build"), "{failure}");
}
