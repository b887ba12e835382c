//! Builds real kernels: the same inputs give the same bytes, and only what changed is built again.
//! Ignored by default, for each kernel takes seconds and needs both compilers: `cargo test -p microkernel-config -- --ignored`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use microkernel_config::{Arch, Error, Kernel, Profile, Silent};
use sha2::{Digest, Sha256};

/// SHA-256 of every file under a folder, by relative name.
fn digest(folder: &Path) -> BTreeMap<PathBuf, String> {
    fn walk(root: &Path, folder: &Path, sums: &mut BTreeMap<PathBuf, String>) {
        for entry in std::fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                walk(root, &path, sums);
            } else {
                let sum = Sha256::digest(std::fs::read(&path).expect("a readable file"));
                let name = path.strip_prefix(root).expect("below the root").to_owned();
                sums.insert(name, sum.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
    }
    let mut sums = BTreeMap::new();
    walk(folder, folder, &mut sums);
    sums
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn same_bytes(arch: Arch) {
    let (here, there) = (folder(), folder());
    // Of another length than the first, so that a path in the output could not go unnoticed.
    let there = there.path().join("a/much/longer/way/to/the/folder");
    for profile in Profile::ALL {
        let kernel = Kernel::new(arch, profile);
        let first = kernel.build(here.path(), &mut Silent).expect("builds");
        let second = kernel.build(&there, &mut Silent).expect("builds");
        assert!(first.was_built() && second.was_built());
        let sums = digest(first.path());
        assert!(sums.contains_key(Path::new("kernel.elf")), "{sums:?}");
        let others = digest(second.path());
        let different: Vec<_> = sums
            .iter()
            .filter(|(name, sum)| others.get(*name) != Some(*sum))
            .map(|(name, _)| name)
            .collect();
        assert!(different.is_empty(), "{arch} {profile}: {different:?}");
        assert_eq!(sums.len(), others.len());
    }
}

#[test]
#[ignore = "builds four kernels"]
fn x86_64_kernels_are_the_same_in_every_folder() {
    same_bytes(Arch::X86_64);
}

#[test]
#[ignore = "builds four kernels"]
fn aarch64_kernels_are_the_same_in_every_folder() {
    same_bytes(Arch::Aarch64);
}

#[test]
#[ignore = "builds two kernels"]
fn only_what_changed_is_built_again() {
    let out = folder();
    let kernel = Kernel::new(Arch::X86_64, Profile::Release);
    let first = kernel.build(out.path(), &mut Silent).expect("builds");
    let modified = |path: PathBuf| {
        std::fs::metadata(path)
            .and_then(|data| data.modified())
            .expect("a modification time")
    };
    let time = modified(first.kernel());
    let again = kernel.build(out.path(), &mut Silent).expect("builds");
    assert!(!again.was_built());
    assert_eq!(
        time,
        modified(again.kernel()),
        "a prefix that is right is not touched"
    );

    // A build that was interrupted: its work folder is there, and the prefix has lost its stamp.
    std::fs::create_dir_all(out.path().join("x86_64-release.work/source/nonsense"))
        .expect("a folder");
    std::fs::remove_file(first.path().join("stamp")).expect("the stamp");
    let sums = digest(first.path());
    let rebuilt = kernel.build(out.path(), &mut Silent).expect("builds");
    assert!(rebuilt.was_built());
    let mut whole = digest(rebuilt.path());
    whole.remove(Path::new("stamp")).expect("the stamp is back");
    assert_eq!(whole, sums);
    assert!(!out.path().join("x86_64-release.work").exists());
}

#[test]
#[ignore = "builds two kernels"]
fn builds_of_the_same_kernel_wait_for_each_other() {
    let out = folder();
    let build = || {
        Kernel::new(Arch::X86_64, Profile::Release)
            .build(out.path(), &mut Silent)
            .expect("builds")
            .was_built()
    };
    let built = std::thread::scope(|scope| {
        let threads = [scope.spawn(build), scope.spawn(build)];
        threads
            .map(|thread| thread.join().expect("no panic"))
            .into_iter()
            .filter(|built| *built)
            .count()
    });
    assert_eq!(built, 1, "one builds, the other finds it done");
}

#[test]
fn a_patch_that_does_not_exist_is_named() {
    let out = folder();
    let error = Kernel::new(Arch::X86_64, Profile::Debug)
        .without_patch("nonsense")
        .build(out.path(), &mut Silent);
    let error = error.expect_err("no such patch");
    assert!(matches!(error, Error::UnknownPatch { .. }), "{error}");
    assert!(
        error.to_string().contains("suspend-restart-address"),
        "{error}"
    );
}
