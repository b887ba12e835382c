/* A client of the key-value server, in C. The calls are kv.h's, which the build makes from the Rust trait in examples/kv/interface. */
#include "kv.h"

/* Says a line on the console. */
static void say(const char *text) {
    size_t length = 0;
    while (text[length] != '\0') length++;
    isthmus_say(text, length);
}

static bool same(const uint8_t *left, const uint8_t *right, size_t length) {
    for (size_t i = 0; i < length; i++) {
        if (left[i] != right[i]) return false;
    }
    return true;
}

/* The number of a request: who asks, and which of its requests it is. */
static uint64_t request(uint32_t client, uint32_t number) {
    return (uint64_t)client << 32 | number;
}

enum { ROUNDS = 100, CALLS_PER_ROUND = 2 };

/* Stores values of every length and reads them back. Answers why it failed, or nothing. */
static const char *story(uint64_t kv, uint32_t client) {
    static uint8_t value[800], back[800];
    uint64_t stored, keys, reason;
    size_t length;
    uint32_t number = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t bytes = round * 8 + round % 8;
        for (size_t i = 0; i < bytes; i++) value[i] = (uint8_t)(round + i);
        if (kv_put(kv, request(client, number++), "from C", 6, value, bytes, &stored, &reason) != ISTHMUS_OK) return "put has failed";
        if (stored != round + 1) return "put has counted wrongly";
        if (kv_get(kv, request(client, number++), "from C", 6, back, &length, &reason) != ISTHMUS_OK) return "get has failed";
        if (length != bytes || !same(value, back, bytes)) return "another value came back";
    }
    if (kv_get(kv, request(client, number++), "nothing", 7, back, &length, &reason) != ISTHMUS_ERROR || reason != KV_NO_SUCH_KEY)
        return "a key that is not there was found";
    if (kv_put(kv, request(client, number), "a key of more than thirty-two bytes is refused here", 51, value, 1, &stored, &reason) != ISTHMUS_NOT_EXECUTED
        || reason != ISTHMUS_TOO_LONG)
        return "a key that is too long was sent";
    if (kv_count(kv, request(client, number++), &keys, &reason) != ISTHMUS_OK || keys != 1) return "there is more than one key";
    struct kv_Totals totals;
    if (kv_totals(kv, &totals, &reason) != ISTHMUS_OK) return "totals has failed";
    if (totals.requests != number || totals.distinct != number) return "the server has counted other requests";
    return NULL;
}

/* Called by the Rust shell, with the slot of the server's capability. */
void isthmus_main(uint64_t kv, uint64_t client) {
    const char *failure = story(kv, (uint32_t)client);
    if (failure == NULL) {
        say("demo: ok from C");
    } else {
        say("demo: failed:");
        say(failure);
    }
}
