//! The macros that tell the kernel's configuration. Needs `SEL4_PREFIX`, as the crate itself does.

use sel4_bindings::{CONFIGURATION, sel4_cfg_bool, sel4_cfg_if, sel4_cfg_str, sel4_cfg_usize};

sel4_cfg_if! {
    if #[sel4_cfg(DEBUG_BUILD)] {
        const DEBUG: bool = true;
    } else {
        const DEBUG: bool = false;
    }
}

sel4_cfg_if! {
    if #[sel4_cfg(not(FASTPATH))] {
        const CHOSEN: &str = "no fast path";
    } else if #[sel4_cfg(DEBUG_BUILD)] {
        const CHOSEN: &str = "debug";
    } else if #[sel4_cfg(not(DEBUG_BUILD))] {
        const CHOSEN: &str = "release";
    }
}

fn setting(name: &str) -> Option<&'static str> {
    CONFIGURATION
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| *value)
}

#[test]
fn macros_tell_what_the_configuration_says() {
    assert_eq!(
        setting("DEBUG_BUILD"),
        Some(if DEBUG { "true" } else { "false" })
    );
    assert_eq!(sel4_cfg_bool!(DEBUG_BUILD), DEBUG);
    assert_eq!(CHOSEN, if DEBUG { "debug" } else { "release" });
    assert_eq!(
        setting("NUM_PRIORITIES"),
        Some(sel4_cfg_usize!(NUM_PRIORITIES).to_string().as_str())
    );
    assert_eq!(setting("SEL4_ARCH"), Some(sel4_cfg_str!(SEL4_ARCH)));
    assert_eq!(setting("NO_SUCH_SETTING"), None);
}
