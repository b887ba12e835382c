//! What the documents say about the repository is so.

use std::collections::BTreeSet;

use guides::{documents, limits, links, root, rules};

#[test]
fn the_page_of_limits_says_what_the_constants_say() {
    let page = limits::page(&root()).expect("the sources of the limits can be read");
    let file = root().join("docs/limits.md");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&file, &page).expect("docs/limits.md can be written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/limits.md is stale: BLESS=1 cargo test -p guides"
    );
}

#[test]
fn every_link_leads_to_a_file() {
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("a document can be read");
        let folder = document.parent().expect("a file has a folder");
        for target in links::targets(&text) {
            let there = folder.join(target).exists();
            assert!(
                there,
                "{} links to {target}, which is not there",
                document.display()
            );
        }
    }
}

#[test]
fn the_readme_links_every_page() {
    let readme = std::fs::read_to_string(root().join("README.md")).expect("there is a README");
    let linked: Vec<&str> = links::targets(&readme).collect();
    for document in documents() {
        let name = document.file_name().expect("a file has a name");
        if name != "README.md" {
            let path = format!("docs/{}", name.to_string_lossy());
            assert!(
                linked.contains(&path.as_str()),
                "README.md does not link {path}"
            );
        }
    }
}

#[test]
fn every_scenario_is_in_the_tables() {
    let page = std::fs::read_to_string(root().join("docs/testing.md")).expect("the page is there");
    // The first column names them, side by side where they belong together.
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let first: Vec<&str> = rows.filter_map(|row| row.split(" | ").next()).collect();
    for scenario in machine_tests::SCENARIOS {
        let name = format!("`{}`", scenario.name);
        assert!(
            first.iter().any(|names| names.contains(&name)),
            "docs/testing.md does not say what {name} shows"
        );
    }
}

/// What a second implementation has to do is done by the first, and tested.
#[test]
fn every_rule_of_netipc_is_kept_by_code_and_seen_by_a_test() {
    let page = std::fs::read_to_string(root().join("docs/netipc.md")).expect("the page is there");
    let stated = rules::stated(&page);
    assert!(
        stated.iter().collect::<BTreeSet<_>>().len() == stated.len(),
        "each rule's number is its own: {stated:?}"
    );
    assert!(!stated.is_empty(), "there are rules");
    let (code, tests) = rules::cited().expect("the sources can be read");
    for rule in &stated {
        assert!(code.contains_key(rule), "no code says [N{rule}]");
        assert!(tests.contains_key(rule), "no test says [N{rule}]");
    }
    let known: BTreeSet<&u32> = stated.iter().collect();
    for (rule, places) in code.iter().chain(&tests) {
        assert!(known.contains(rule), "[N{rule}] is no rule: {places:?}");
    }
    // Whatever else the page demands has a number.
    for line in page.lines().filter(|line| line.contains("MUST")) {
        assert!(
            line.starts_with("| N") || line.contains("MUSTs"),
            "a MUST without a number: {line}"
        );
    }
}

#[test]
fn a_constant_is_read_with_its_documentation() {
    let source =
        "/// Slots\n/// of a session.\npub const SLOTS: usize = 1 << 5;\nconst HIDDEN: u8 = 1;\n";
    let found = limits::constants(source);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].name, "SLOTS");
    assert_eq!(found[0].value, "1 << 5");
    assert_eq!(found[0].meaning, "Slots of a session.");
}

/// What comes after this line in an example's description is the demonstration's.
const OWN: &str = "# ---- The system's own, on every machine ----\n";

#[test]
fn examples_have_the_systems_own_components_as_the_demonstration_has_them() {
    let folder = root().join("systems");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a description");
    let demo = read("demo.toml");
    let is_own = |block: &&str| block.trim_start().starts_with("[[") && !block.contains("\"kv-");
    let blocks: Vec<&str> = demo.split("\n\n").filter(is_own).map(str::trim).collect();
    let wanted = format!("\n{}\n", blocks.join("\n\n"));
    for name in ["hello.toml", "chat.toml"] {
        let text = read(name);
        let (before, own) = text.split_once(OWN).expect("it has the system's own part");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(folder.join(name), format!("{before}{OWN}{wanted}"))
                .expect("it can be written");
        } else {
            assert!(
                own == wanted,
                "systems/{name}: BLESS=1 cargo test -p guides"
            );
        }
    }
}
