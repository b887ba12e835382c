//! The programs that the build starts: what they are called, which package has them, which version they are.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;
use crate::config::Build;

/// The system's Python: Debian's packages put the generators' modules there, and nowhere else.
const PYTHON: &str = "/usr/bin/python3";
/// Modules that the generators import, each with its Debian package.
const MODULES: [(&str, &str); 3] = [
    ("six", "python3-six"),
    ("ply", "python3-ply"),
    ("tempita", "python3-tempita"),
];

/// What a failed command says is cut to this many bytes from its end.
const MAX_OUTPUT: usize = 8000;

/// The tools of one build, run in its work folder so that every path in the result is relative.
pub(crate) struct Tools {
    prefix: String,
    package: String,
    directory: PathBuf,
}

impl Tools {
    /// Checks that everything is installed.
    pub(crate) fn find(build: &Build, directory: &Path) -> Result<Tools, Error> {
        let tools = Tools {
            prefix: build.compiler_prefix.clone(),
            package: build.compiler_package.clone(),
            directory: directory.to_owned(),
        };
        for (module, package) in MODULES {
            let mut python = tools.python();
            python.args(["-c", &format!("import {module}")]);
            match run(&mut python, "looking for Python modules", "python3") {
                Ok(_) => {}
                Err(Error::Command { .. }) => {
                    return Err(Error::MissingPythonModule { module, package });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(tools)
    }

    /// First line of each tool's version: an input of the build.
    pub(crate) fn versions(&self) -> Result<Vec<String>, Error> {
        let mut versions = Vec::new();
        for mut command in [
            self.compiler(),
            self.binutil("ld"),
            self.binutil("objcopy"),
            self.python(),
        ] {
            command.arg("--version");
            let text = run(&mut command, "asking for its version", &self.package)?;
            versions.push(text.lines().next().unwrap_or_default().to_owned());
        }
        Ok(versions)
    }

    /// Runs the C compiler; gives what it printed (warnings).
    pub(crate) fn compile(&self, step: &str, arguments: &[String]) -> Result<String, Error> {
        let mut command = self.compiler();
        command.args(arguments);
        run(&mut command, step, &self.package)
    }

    /// Runs `objcopy`.
    pub(crate) fn objcopy(&self, arguments: &[&str]) -> Result<(), Error> {
        let mut command = self.binutil("objcopy");
        command.args(arguments);
        run(&mut command, "converting the kernel", &self.package).map(drop)
    }

    /// Runs one of the kernel's generators. `bitfield_gen.py` needs the lexer in the kernel's own `tools`.
    pub(crate) fn generator(
        &self,
        script: &str,
        tree: &str,
        arguments: &[&str],
    ) -> Result<(), Error> {
        let mut command = self.python();
        command
            .env("PYTHONPATH", format!("{tree}/tools"))
            .arg(format!("{tree}/{script}"))
            .args(arguments);
        run(&mut command, &format!("running {script}"), "python3").map(drop)
    }

    fn compiler(&self) -> Command {
        self.binutil("gcc")
    }

    fn binutil(&self, name: &str) -> Command {
        self.command(&format!("{}{name}", self.prefix))
    }

    fn python(&self) -> Command {
        let mut command = self.command(PYTHON);
        // Same bytes: no hash-ordered sets. No traces in the tree: no .pyc files.
        command.env("PYTHONHASHSEED", "0").arg("-B");
        command
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.directory)
            .env("LC_ALL", "C")
            .env("SOURCE_DATE_EPOCH", "0");
        // Whatever these hold, it is no input of the build.
        for variable in [
            "CPATH",
            "C_INCLUDE_PATH",
            "GCC_EXEC_PREFIX",
            "COMPILER_PATH",
            "LIBRARY_PATH",
            "PYTHONHOME",
            "PYTHONPATH",
        ] {
            command.env_remove(variable);
        }
        command
    }
}

/// Runs a command to its end; gives what it printed on both streams.
fn run(command: &mut Command, step: &str, package: &str) -> Result<String, Error> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|source| match source.kind() {
        ErrorKind::NotFound => Error::MissingTool {
            program: program.clone(),
            package: package.to_owned(),
        },
        _ => Error::Io {
            path: PathBuf::from(&program),
            source,
        },
    })?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(text);
    }
    let mut start = text.len().saturating_sub(MAX_OUTPUT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    Err(Error::Command {
        program,
        step: step.to_owned(),
        output: text[start..].trim().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = run(
            &mut Command::new("no-such-program"),
            "trying",
            "some-package",
        )
        .expect_err("it is not there");
        assert!(matches!(error, Error::MissingTool { .. }), "{error}");
        assert!(
            error.to_string().contains("no-such-program")
                && error.to_string().contains("some-package"),
            "{error}"
        );
    }

    #[test]
    fn a_failed_program_is_named_with_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo this is why >&2; exit 3"]);
        let error = run(&mut command, "trying", "dash").expect_err("it fails");
        assert!(
            error
                .to_string()
                .contains("sh failed while trying:\nthis is why"),
            "{error}"
        );
    }

    #[test]
    fn a_long_output_is_cut_at_its_beginning() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "i=0; while [ $i -lt 3000 ]; do echo é$i; i=$((i+1)); done; exit 1",
        ]);
        let Error::Command { output, .. } =
            run(&mut command, "trying", "dash").expect_err("it fails")
        else {
            panic!("another error");
        };
        assert!(output.len() <= MAX_OUTPUT && output.ends_with("é2999"));
    }
}
