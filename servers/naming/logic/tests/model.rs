//! The tree against a naive model: a map from whole paths.

mod common;

use std::collections::BTreeMap;

use common::{Capability, Machine, component, lease, path};
use naming_interface::{NamingError, Path, Reach};
use naming_logic::{Place, Time};
use proptest::prelude::*;

/// What is at a path: the owner, the end, and the capability, or a directory.
type Model = BTreeMap<String, (u8, u64, Option<Capability>)>;

#[derive(Clone, Debug)]
enum Step {
    Register(u8, String, u64),
    Create(u8, String, u64),
    Renew(u8, String, u64),
    Unlink(u8, String),
    Rename(u8, String, String),
    Lookup(String),
    List(String),
    Later(u64),
    End(u8),
}

fn paths() -> impl Strategy<Value = String> {
    proptest::collection::vec("[ab]|\\.\\.", 1..4).prop_map(|parts| parts.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    let who = 1u8..4;
    let long = 100u64..1000;
    prop_oneof![
        3 => (who.clone(), paths(), long.clone()).prop_map(|(w, p, l)| Step::Register(w, p, l)),
        3 => (who.clone(), paths(), long.clone()).prop_map(|(w, p, l)| Step::Create(w, p, l)),
        1 => (who.clone(), paths(), long).prop_map(|(w, p, l)| Step::Renew(w, p, l)),
        1 => (who.clone(), paths()).prop_map(|(w, p)| Step::Unlink(w, p)),
        2 => (who.clone(), paths(), paths()).prop_map(|(w, a, b)| Step::Rename(w, a, b)),
        2 => paths().prop_map(Step::Lookup),
        1 => paths().prop_map(Step::List),
        2 => (1u64..300).prop_map(Step::Later),
        1 => who.prop_map(Step::End),
    ]
}

fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Whether everything above a path is a directory, and if not, what is wrong.
fn way(model: &Model, path: &str) -> Result<(), NamingError> {
    above(path).try_for_each(|directory| match model.get(directory) {
        None => Err(NamingError::NotFound),
        Some((_, _, Some(_))) => Err(NamingError::NotADirectory),
        Some((_, _, None)) => Ok(()),
    })
}

fn may(model: &Model, who: u8, path: &str) -> bool {
    above(path)
        .chain([path])
        .any(|at| model.get(at).is_some_and(|(owner, ..)| *owner == who))
}

fn below<'m>(model: &'m Model, directory: &str) -> Vec<&'m String> {
    let prefix = format!("{directory}/");
    model
        .keys()
        .filter(|key| key.starts_with(&prefix))
        .collect()
}

fn expire(model: &mut Model, now: u64) {
    loop {
        let ended = model.iter().find(|(at, (_, ends, what))| {
            *ends <= now && (what.is_some() || below(model, at).is_empty())
        });
        let Some((at, _)) = ended else { return };
        let at = at.clone();
        model.remove(&at);
    }
}

/// What a call that makes something at a path says.
fn enter(
    model: &mut Model,
    who: u8,
    at: &str,
    ends: u64,
    what: Option<Capability>,
) -> Result<(), NamingError> {
    if at.is_empty() {
        return Err(NamingError::NotPermitted);
    }
    way(model, at)?;
    match (model.get(at), what) {
        (None, _) => {}
        (Some((_, _, None)), Some(_)) => return Err(NamingError::IsADirectory),
        (Some((_, _, Some(_))), Some(_)) if may(model, who, at) => {}
        _ => return Err(NamingError::Exists),
    }
    model.insert(at.to_owned(), (who, ends, what));
    Ok(())
}

/// Something that is there and that `who` may change.
fn own(model: &Model, who: u8, at: &str) -> Result<(), NamingError> {
    if at.is_empty() {
        return Err(NamingError::NotPermitted);
    }
    way(model, at)?;
    if !model.contains_key(at) {
        return Err(NamingError::NotFound);
    }
    if may(model, who, at) {
        Ok(())
    } else {
        Err(NamingError::NotPermitted)
    }
}

fn rename(model: &mut Model, who: u8, from: &str, to: &str) -> Result<(), NamingError> {
    own(model, who, from)?;
    if to.is_empty() {
        return Err(NamingError::NotPermitted);
    }
    way(model, to)?;
    if from == to {
        return Ok(());
    }
    let directory = model[from].2.is_none();
    match model.get(to) {
        None => {}
        Some((_, _, None)) if !directory => return Err(NamingError::IsADirectory),
        Some((_, _, Some(_))) if !directory && may(model, who, to) => {}
        Some(_) => return Err(NamingError::Exists),
    }
    if directory && to.starts_with(&format!("{from}/")) {
        return Err(NamingError::IntoItself);
    }
    let moved: Vec<String> = below(model, from)
        .into_iter()
        .cloned()
        .chain([from.to_owned()])
        .collect();
    for old in moved {
        let value = model.remove(&old).unwrap();
        model.insert(format!("{to}{}", &old[from.len()..]), value);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_tree_is_what_the_model_says(steps in proptest::collection::vec(step(), 0..80)) {
        let mut machine = Machine::new(1, 1);
        let mut model = Model::new();
        for step in steps {
            let now = machine.now.0;
            expire(&mut model, now);
            let whole = |text: &str| path(text).as_str().to_owned();
            match step {
                Step::Register(who, text, millis) => {
                    let result = machine.register(&component(who), &text, millis, Reach::Machine);
                    let expected = enter(&mut model, who, &whole(&text), now + millis, Some(*result.as_ref().unwrap_or(&0)));
                    prop_assert_eq!(result.map(|_| ()), expected);
                }
                Step::Create(who, text, millis) => {
                    let result = machine.create(&component(who), &text, millis);
                    prop_assert_eq!(result, enter(&mut model, who, &whole(&text), now + millis, None));
                }
                Step::Renew(who, text, millis) => {
                    let result = machine.names.renew(machine.now, &component(who), &path(&text), lease(millis));
                    machine.settle();
                    let at = whole(&text);
                    let expected = own(&model, who, &at);
                    if expected.is_ok() && let Some((_, ends, _)) = model.get_mut(&at) {
                        *ends = now + millis;
                    }
                    prop_assert_eq!(result.map(|_| ()), expected);
                }
                Step::Unlink(who, text) => {
                    let at = whole(&text);
                    let expected = own(&model, who, &at).and_then(|()| {
                        if below(&model, &at).is_empty() { Ok(()) } else { Err(NamingError::NotEmpty) }
                    });
                    if expected.is_ok() {
                        model.remove(&at);
                    }
                    prop_assert_eq!(machine.unlink(&component(who), &text), expected);
                }
                Step::Rename(who, from, to) => {
                    let expected = rename(&mut model, who, &whole(&from), &whole(&to));
                    prop_assert_eq!(machine.rename(&component(who), &from, &to), expected);
                }
                Step::Lookup(text) => {
                    let at = whole(&text);
                    let expected = way(&model, &at).and_then(|()| match model.get(&at) {
                        _ if at.is_empty() => Err(NamingError::IsADirectory),
                        None => Err(NamingError::NotFound),
                        Some((_, _, None)) => Err(NamingError::IsADirectory),
                        Some((_, _, Some(capability))) => Ok(Place::Here(*capability)),
                    });
                    prop_assert_eq!(machine.lookup(&component(9), &text), expected);
                }
                Step::List(text) => {
                    let at = whole(&text);
                    let is_directory = at.is_empty() || model.get(&at).is_some_and(|(_, _, what)| what.is_none());
                    if is_directory {
                        let depth = Path::new(&text).unwrap().parts().count();
                        let expected: Vec<&str> = model.keys()
                            .filter(|key| (at.is_empty() || key.starts_with(&format!("{at}/"))) && key.split('/').count() == depth + 1)
                            .filter_map(|key| key.split('/').next_back())
                            .collect();
                        prop_assert_eq!(machine.list(&component(9), &text), expected);
                    }
                }
                Step::Later(millis) => {
                    machine.later(millis);
                    // The timer rings for some of the ends, and for others is late.
                    if millis % 2 == 0 {
                        machine.pass();
                        expire(&mut model, machine.now.0);
                        let next = machine.names.earliest();
                        prop_assert!(next.is_none_or(|next| next > machine.now));
                        prop_assert_eq!(machine.names.len(), model.len());
                        let endpoints = model.values().filter(|(_, _, what)| what.is_some());
                        prop_assert_eq!(machine.held.len(), endpoints.count());
                    }
                }
                Step::End(who) => {
                    machine.names.owner_ended(machine.now, isthmus_abi::ComponentId(who));
                    machine.settle();
                    for (owner, ends, _) in model.values_mut() {
                        if *owner == who {
                            *ends = now;
                        }
                    }
                    expire(&mut model, now);
                }
            }
        }
        machine.later(10_000);
        machine.pass();
        prop_assert!(machine.names.is_empty() && machine.held.is_empty());
        prop_assert_eq!(machine.names.earliest(), None::<Time>);
    }
}
