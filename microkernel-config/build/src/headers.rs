//! What user space is built against: libsel4's headers in one tree, the XML of the interfaces, the preprocessed bitfields.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::config::Configuration;
use crate::generate::{self, SYSCALL_XML, TREE};
use crate::source;
use crate::tools::Tools;

/// The prefix under construction, in the work folder.
pub(crate) const PREFIX: &str = "prefix";

/// Writes `include/`, `interfaces/` and `bitfields/` of the prefix.
pub(crate) fn user_headers(
    tools: &Tools,
    config: &Configuration,
    work: &Path,
) -> Result<(), Error> {
    let build = &config.build;
    let include = work.join(PREFIX).join("include");
    for folder in [
        "libsel4/include".to_owned(),
        format!("libsel4/arch_include/{}", build.arch),
        format!("libsel4/sel4_arch_include/{}", build.sel4_arch),
        format!("libsel4/sel4_plat_include/{}", build.platform),
    ] {
        copy_headers(&work.join(TREE).join(folder), &include)?;
    }
    let autoconf = include.join("autoconf.h");
    std::fs::write(&autoconf, config.autoconf()).map_err(Error::io(&autoconf))?;
    interfaces(tools, config, work)?;
    bitfields(tools, config, work)
}

fn copy_headers(from: &Path, to: &Path) -> Result<(), Error> {
    let mut files = Vec::new();
    source::list(from, Path::new(""), &mut files)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "h"));
    source::copy(from, &files, to)
}

/// The XML files as they are, and the C headers that libsel4's own generators make of them.
fn interfaces(tools: &Tools, config: &Configuration, work: &Path) -> Result<(), Error> {
    let xml = [
        (
            "libsel4/include/interfaces/sel4.xml".to_owned(),
            "sel4.xml",
            None,
            "sel4/invocation.h",
        ),
        (
            generate::arch_xml(config),
            "arch.xml",
            Some("--arch"),
            "sel4/arch/invocation.h",
        ),
        (
            generate::sel4_arch_xml(config),
            "sel4_arch.xml",
            Some("--sel4_arch"),
            "sel4/sel4_arch/invocation.h",
        ),
    ];
    let folder = PathBuf::from(PREFIX).join("interfaces");
    for made in [
        "interfaces",
        "include/interfaces",
        "include/sel4/arch",
        "include/sel4/sel4_arch",
    ] {
        let path = work.join(PREFIX).join(made);
        std::fs::create_dir_all(&path).map_err(Error::io(&path))?;
    }
    let mut names = Vec::new();
    for (from, to, kind, header) in &xml {
        copy_file(&work.join(TREE).join(from), &work.join(&folder).join(to))?;
        let (xml, header) = (
            format!("{PREFIX}/interfaces/{to}"),
            format!("{PREFIX}/include/{header}"),
        );
        let mut arguments = vec![
            "--libsel4",
            "--xml",
            xml.as_str(),
            "--dest",
            header.as_str(),
        ];
        arguments.extend(kind);
        tools.generator("libsel4/tools/invocation_header_gen.py", TREE, &arguments)?;
        names.push(xml);
    }
    copy_file(
        &work.join(TREE).join(SYSCALL_XML),
        &work.join(&folder).join("syscall.xml"),
    )?;
    let syscalls = format!("{PREFIX}/interfaces/syscall.xml");
    let header = format!("{PREFIX}/include/sel4/syscall.h");
    let arguments = [
        "--xml",
        syscalls.as_str(),
        "--libsel4_header",
        header.as_str(),
    ];
    tools.generator("libsel4/tools/syscall_header_gen.py", TREE, &arguments)?;

    let client = format!("{PREFIX}/include/interfaces/sel4_client.h");
    let mut arguments = vec![
        "-a",
        config.build.sel4_arch.as_str(),
        "-w",
        WORD_BITS,
        "-o",
        client.as_str(),
    ];
    // The order in which libsel4's own build names them.
    arguments.extend(names.iter().rev().map(String::as_str));
    tools.generator("libsel4/tools/syscall_stub_gen.py", TREE, &arguments)
}

/// Both architectures have 64-bit words.
const WORD_BITS: &str = "64";

/// Message info, capability data, faults: preprocessed for the bindings, and as C headers.
fn bitfields(tools: &Tools, config: &Configuration, work: &Path) -> Result<(), Error> {
    let path = work.join(PREFIX).join("bitfields");
    std::fs::create_dir_all(&path).map_err(Error::io(&path))?;
    let build = &config.build;
    let mut flags: Vec<String> = vec!["-nostdinc".to_owned()];
    flags.extend(build.defines.iter().map(|define| format!("-D{define}")));
    flags.push(format!("-I{PREFIX}/include"));
    // The descriptions include one another by their place in libsel4.
    for folder in [
        "include".to_owned(),
        format!("arch_include/{}", build.arch),
        format!("sel4_arch_include/{}", build.sel4_arch),
    ] {
        flags.push(format!("-I{TREE}/libsel4/{folder}"));
    }
    for (from, name, header) in [
        (
            "include/sel4/types_64.bf".to_owned(),
            "types.bf",
            "sel4/types_gen.h",
        ),
        (
            "include/sel4/shared_types_64.bf".to_owned(),
            "shared_types.bf",
            "sel4/shared_types_gen.h",
        ),
        (
            format!(
                "sel4_arch_include/{}/sel4/sel4_arch/types.bf",
                build.sel4_arch
            ),
            "sel4_arch_types.bf",
            "sel4/sel4_arch/types_gen.h",
        ),
    ] {
        let (to, header) = (
            format!("{PREFIX}/bitfields/{name}"),
            format!("{PREFIX}/include/{header}"),
        );
        generate::preprocess(tools, &flags, &format!("{TREE}/libsel4/{from}"), &to)?;
        generate::bitfield_header(
            tools,
            work,
            "libsel4/tools/bitfield_gen.py",
            &["--environment", "libsel4"],
            &to,
            &header,
        )?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Error> {
    let bytes = std::fs::read(from).map_err(Error::io(from))?;
    std::fs::write(to, bytes).map_err(Error::io(to))
}
