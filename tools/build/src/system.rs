//! A description, read and compiled.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use isthmus_description::Plan;

use crate::workspace::Project;

/// The program that the kernel starts.
pub(crate) const ROOT_TASK: &str = "root-task";

/// A description, compiled.
#[derive(Clone, Debug)]
pub struct System {
    pub(crate) plan: Plan,
    /// What its images are called.
    name: String,
    /// The programs that it names.
    programs: BTreeSet<String>,
}

impl System {
    /// Reads and checks a description, from where the one who runs this stands or else from the checkout.
    ///
    /// # Errors
    /// All mistakes, each with line, column and remedy.
    pub fn read(file: &Path) -> Result<Self> {
        let file = Project::checkout().system(Some(file));
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("the system description {} cannot be read", file.display()))?;
        Self::of_text(&text, &file.display().to_string())
    }

    /// Checks a description that is called `name`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of_text(text: &str, name: &str) -> Result<Self> {
        let plan = isthmus_description::compile(text)
            .map_err(|mistakes| anyhow!("{}", mistakes.in_file(name)))?;
        Ok(Self::of_plan(plan))
    }

    /// A system that was checked already.
    pub(crate) fn of_plan(plan: Plan) -> Self {
        let programs = plan
            .components
            .iter()
            .map(|component| component.program.as_str().to_owned())
            .collect();
        let name = plan.name.as_str().to_owned();
        Self {
            plan,
            name,
            programs,
        }
    }

    /// The same, whose images have a folder of their own: for who has added something to a description.
    #[must_use]
    pub fn variant(self, what: &str) -> Self {
        let name = format!("{}-{what}", self.name);
        Self { name, ..self }
    }

    /// Every program of an image: the components' and the root task.
    pub(crate) fn all_programs(&self) -> BTreeSet<String> {
        let components = self.programs.iter().cloned();
        components.chain([ROOT_TASK.to_owned()]).collect()
    }

    /// The system's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
