//! Runs the kernel's own generators for the headers that the kernel includes.

use std::path::Path;

use crate::Error;
use crate::config::Configuration;
use crate::tools::Tools;

/// The work folder's layout; every command runs in the work folder with these relative names.
pub(crate) const TREE: &str = "source";
/// Generated headers and objects of the kernel.
pub(crate) const KERNEL: &str = "generated";

/// `-D` and `-I` for everything that goes through the kernel's preprocessor.
pub(crate) fn preprocessor_flags(config: &Configuration) -> Vec<String> {
    let build = &config.build;
    let mut flags = vec!["-nostdinc".to_owned()];
    flags.extend(build.defines.iter().map(|define| format!("-D{define}")));
    flags.extend(
        build
            .generated_include_directories
            .iter()
            .map(|folder| format!("-I{KERNEL}/{folder}")),
    );
    flags.extend(
        build
            .include_directories
            .iter()
            .map(|folder| format!("-I{TREE}/{folder}")),
    );
    flags
}

/// Writes `autoconf.h`, the invocation and system call numbers, and the bitfields.
pub(crate) fn kernel_headers(
    tools: &Tools,
    config: &Configuration,
    work: &Path,
) -> Result<(), Error> {
    let build = &config.build;
    let folders = ["api", "arch/api"].into_iter();
    let bitfield_folders = build
        .kernel_bitfields
        .iter()
        .filter_map(|(_, header)| Path::new(header).parent()?.to_str());
    for folder in folders.chain(bitfield_folders) {
        let path = work.join(KERNEL).join(folder);
        std::fs::create_dir_all(&path).map_err(Error::io(&path))?;
    }
    let autoconf = work.join(KERNEL).join("autoconf.h");
    std::fs::write(&autoconf, config.autoconf()).map_err(Error::io(&autoconf))?;

    let invocations = "tools/invocation_header_gen.py";
    for (kind, xml, header) in [
        (
            None,
            "libsel4/include/interfaces/sel4.xml".to_owned(),
            "api/invocation.h",
        ),
        (Some("--arch"), arch_xml(config), "arch/api/invocation.h"),
        (
            Some("--sel4_arch"),
            sel4_arch_xml(config),
            "arch/api/sel4_invocation.h",
        ),
    ] {
        let (xml, header) = (format!("{TREE}/{xml}"), format!("{KERNEL}/{header}"));
        let arguments: Vec<&str> = kind
            .into_iter()
            .chain(["--xml", &xml, "--dest", &header])
            .collect();
        tools.generator(invocations, TREE, &arguments)?;
    }
    let syscalls = format!("{TREE}/{SYSCALL_XML}");
    let header = format!("{KERNEL}/arch/api/syscall.h");
    tools.generator(
        "tools/syscall_header_gen.py",
        TREE,
        &["--xml", &syscalls, "--kernel_header", &header],
    )?;

    let flags = preprocessor_flags(config);
    for (source, header) in &build.kernel_bitfields {
        let (preprocessed, header) = (
            format!("{KERNEL}/{header}.bf"),
            format!("{KERNEL}/{header}_gen.h"),
        );
        preprocess(tools, &flags, &format!("{TREE}/{source}"), &preprocessed)?;
        bitfield_header(
            tools,
            work,
            "tools/bitfield_gen.py",
            &[],
            &preprocessed,
            &header,
        )?;
    }
    Ok(())
}

/// System calls, for kernel and user alike.
pub(crate) const SYSCALL_XML: &str = "include/api/syscall.xml";

/// Invocations of the architecture family.
pub(crate) fn arch_xml(config: &Configuration) -> String {
    format!(
        "libsel4/arch_include/{}/interfaces/sel4arch.xml",
        config.build.arch
    )
}

/// Invocations of the architecture.
pub(crate) fn sel4_arch_xml(config: &Configuration) -> String {
    format!(
        "libsel4/sel4_arch_include/{}/interfaces/sel4arch.xml",
        config.build.sel4_arch
    )
}

/// Runs a file that is not C through the C preprocessor, without line markers.
pub(crate) fn preprocess(
    tools: &Tools,
    flags: &[String],
    from: &str,
    to: &str,
) -> Result<(), Error> {
    let mut arguments: Vec<String> = ["-E", "-P", "-x", "c"].map(str::to_owned).into();
    arguments.extend_from_slice(flags);
    arguments.extend([from, "-o", to].map(str::to_owned));
    tools
        .compile(&format!("preprocessing {from}"), &arguments)
        .map(drop)
}

/// Makes a C header of a preprocessed bitfield description.
///
/// The generator makes the include guard of the header's absolute name; a name that is the same in every folder replaces it.
pub(crate) fn bitfield_header(
    tools: &Tools,
    work: &Path,
    script: &str,
    options: &[&str],
    from: &str,
    to: &str,
) -> Result<(), Error> {
    let arguments: Vec<&str> = options.iter().copied().chain([from, to]).collect();
    tools.generator(script, TREE, &arguments)?;
    let path = work.join(to);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    let guard = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("#ifndef "))
        .unwrap_or_default();
    let name: String = to
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect();
    // Twice: once to ask, once to define. An unexpected header (no guard) is left as it is.
    let text = if guard.is_empty() {
        text
    } else {
        text.replacen(guard, &name, 2)
    };
    std::fs::write(&path, text).map_err(Error::io(&path))
}
