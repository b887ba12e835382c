//! Compiles and links the kernel.

use std::path::Path;

use crate::Error;
use crate::config::{Build, Configuration};
use crate::generate::{self, KERNEL, TREE};
use crate::headers::PREFIX;
use crate::tools::Tools;

/// Flags that are the same on every architecture.
const CFLAGS: [&str; 10] = [
    "-std=c99",
    "-O2",
    "-Wall",
    "-Wstrict-prototypes",
    "-Wpointer-arith",
    "-nostdlib",
    "-ffreestanding",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-common",
];
/// What the work folder is called in debug information, so that it is the same on every machine.
const WORK_NAME: &str = "/sel4";

/// Builds `kernel.elf` (and `kernel.elf32`) in the prefix; gives the compiler's warnings.
pub(crate) fn kernel(tools: &Tools, config: &Configuration, work: &Path) -> Result<String, Error> {
    let build = &config.build;
    let joined = format!("{KERNEL}/kernel_all.c");
    let path = work.join(&joined);
    std::fs::write(&path, join_sources(build, work)?).map_err(Error::io(&path))?;

    let flags = generate::preprocessor_flags(config);
    let prefix_map = format!("-ffile-prefix-map={}={WORK_NAME}", work.display());
    let compile = |from: &str, to: &str, more: &[String]| {
        let mut arguments = more.to_vec();
        arguments.extend_from_slice(&flags);
        arguments.push(prefix_map.clone());
        arguments.extend(["-c", from, "-o", to].map(str::to_owned));
        tools.compile(&format!("compiling {from}"), &arguments)
    };
    let cflags: Vec<String> = CFLAGS
        .iter()
        .map(|&flag| flag.to_owned())
        .chain(build.cflags.iter().cloned())
        .collect();
    let mut objects = vec![format!("{KERNEL}/kernel_all.o")];
    let warnings = compile(&joined, &objects[0], &cflags)?;
    for source in &build.assembly {
        let object = format!("{KERNEL}/{}.o", source.replace('/', "_"));
        compile(&format!("{TREE}/{source}"), &object, &build.assembler_flags)?;
        objects.push(object);
    }
    link(tools, config, &flags, &objects)?;
    Ok(warnings)
}

fn link(
    tools: &Tools,
    config: &Configuration,
    flags: &[String],
    objects: &[String],
) -> Result<(), Error> {
    let build = &config.build;
    let script = format!("{KERNEL}/linker.lds");
    generate::preprocess(
        tools,
        flags,
        &format!("{TREE}/{}", build.linker_script),
        &script,
    )?;
    let kernel = format!("{PREFIX}/kernel.elf");
    let mut arguments: Vec<String> = [
        "-static",
        "-nostdlib",
        "-Wl,--build-id=none",
        "-Wl,-n",
        "-Wl,--no-warn-rwx-segments",
        "-Wl,-z,noexecstack",
        "-T",
    ]
    .map(str::to_owned)
    .into();
    arguments.extend([script, "-o".to_owned(), kernel.clone()]);
    arguments.extend_from_slice(objects);
    tools.compile("linking the kernel", &arguments)?;
    match &build.elf32_format {
        Some(format) => tools.objcopy(&[
            "--strip-debug",
            "-O",
            format,
            &kernel,
            &format!("{PREFIX}/kernel.elf32"),
        ]),
        None => Ok(()),
    }
}

/// All C files as one, with line markers, so that the compiler sees the whole kernel at once.
fn join_sources(build: &Build, work: &Path) -> Result<Vec<u8>, Error> {
    let tree = work.join(TREE);
    let mut files = Vec::new();
    for source in &build.sources {
        let path = tree.join(source);
        if path.is_file() {
            files.push(source.clone());
            continue;
        }
        for entry in std::fs::read_dir(&path).map_err(Error::io(&path))? {
            let name = entry
                .map_err(Error::io(&path))?
                .file_name()
                .to_string_lossy()
                .into_owned();
            if name.ends_with(".c") {
                files.push(format!("{source}/{name}"));
            }
        }
    }
    files.sort();
    files.push(build.domain_schedule.clone());
    let mut joined = Vec::new();
    for file in &files {
        let path = tree.join(file);
        joined.extend(format!("#line 1 \"{TREE}/{file}\"\n").into_bytes());
        joined.extend(std::fs::read(&path).map_err(Error::io(&path))?);
        joined.push(b'\n');
    }
    Ok(joined)
}
