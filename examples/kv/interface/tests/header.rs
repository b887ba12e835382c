//! The C header of the interface: a C compiler takes it, with a client and a server that are written in C, and the two understand each other.

use std::path::Path;
use std::process::Command;

use isthmus_interface::{Method, header};
use kv_interface::kv;

/// Stands for the runtime: it answers `put` with the number of the value's bytes, `get` with the key, everything else with an error.
const PROGRAM: &str = r#"
#include "kv.h"
#include <stdio.h>
#include <string.h>

void isthmus_send(uint64_t to, uint64_t label, const uint64_t *words, size_t length) { (void)to, (void)label, (void)words, (void)length; }
void isthmus_say(const void *text, size_t length) { fwrite(text, 1, length, stdout); }

enum isthmus_status isthmus_call(uint64_t to, uint64_t label, uint64_t *words, size_t *length) {
    uint8_t key[32], value[800];
    size_t at = 1, key_length, value_length;
    if (to != 7) return words[0] = 7, ISTHMUS_NOT_EXECUTED;
    if (label == PUT_LABEL && isthmus_get_bytes(words, *length, &at, key, &key_length, 32)
        && isthmus_get_bytes(words, *length, &at, value, &value_length, 800) && at == *length) {
        words[0] = value_length, *length = 1;
        return ISTHMUS_OK;
    }
    at = 1;
    if (label == GET_LABEL && isthmus_get_bytes(words, *length, &at, key, &key_length, 32) && at == *length) {
        at = 0;
        isthmus_put_bytes(words, &at, key, key_length, 800), *length = at;
        return ISTHMUS_OK;
    }
    return words[0] = KV_FULL, ISTHMUS_ERROR;
}

#define CHECK(what) if (!(what)) return printf("%s\n", #what), 1

int main(void) {
    uint64_t stored = 0, reason = 0;
    uint8_t value[800], back[800];
    size_t length = 0;
    memset(value, 0xa5, sizeof value);
    CHECK(kv_put(7, 1, "key", 3, value, 800, &stored, &reason) == ISTHMUS_OK && stored == 800);
    CHECK(kv_put(7, 1, "key", 3, value, 0, &stored, &reason) == ISTHMUS_OK && stored == 0);
    CHECK(kv_get(7, 1, "a key", 5, back, &length, &reason) == ISTHMUS_OK && length == 5 && memcmp(back, "a key", 5) == 0);
    CHECK(kv_put(8, 1, "key", 3, value, 1, &stored, &reason) == ISTHMUS_NOT_EXECUTED && reason == 7);
    CHECK(kv_put(7, 1, value, 33, value, 1, &stored, &reason) == ISTHMUS_NOT_EXECUTED && reason == ISTHMUS_TOO_LONG);
    CHECK(kv_count(7, 1, &stored, &reason) == ISTHMUS_ERROR && reason == KV_FULL);
    return 0;
}
"#;

#[test]
fn c_programs_keep_to_it() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let labels = format!(
        "#define PUT_LABEL UINT64_C({})\n#define GET_LABEL UINT64_C({})\n",
        kv::put::LABEL.bits(),
        kv::get::LABEL.bits()
    );
    std::fs::write(folder.join("kv.h"), header::of(kv::NAME, kv::METHODS)).unwrap();
    std::fs::write(folder.join("program.c"), labels + PROGRAM).unwrap();
    let program = folder.join("program");
    let compiled = Command::new("cc")
        .current_dir(folder)
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "program.c", "-o"])
        .arg(&program)
        .output()
        .expect("the linker that cargo needs is a C compiler too");
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{said}");
    let ran = Command::new(program).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
}
