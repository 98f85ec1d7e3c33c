/* What the engine's Atomics ask of threads, for a guest that has none.
 *
 * Other runtimes may see the same shared memory, so loads, stores and the like must be atomic
 * (`-matomics`); but nobody can be waited for here: a runtime cannot block (rt->can_block is false), so
 * Atomics.wait throws before it comes to any of these, and the list of those that Atomics.notify
 * would wake is always empty.
 */
#ifndef GUEST_NO_THREADS_H
#define GUEST_NO_THREADS_H

#include <stdint.h>

typedef int js_once_t;
typedef int js_mutex_t;
typedef int js_cond_t;

#define JS_ONCE_INIT 0

static inline void js_once(js_once_t *guard, void (*callback)(void)) {
  if (!*guard) callback();
  *guard = 1;
}
static inline void js_mutex_init(js_mutex_t *mutex) { *mutex = 0; }
static inline void js_mutex_lock(js_mutex_t *mutex) { (void)mutex; }
static inline void js_mutex_unlock(js_mutex_t *mutex) { (void)mutex; }
static inline void js_cond_init(js_cond_t *cond) { *cond = 0; }
static inline void js_cond_destroy(js_cond_t *cond) { (void)cond; }
static inline void js_cond_signal(js_cond_t *cond) { (void)cond; }
static inline void js_cond_wait(js_cond_t *cond, js_mutex_t *mutex) { (void)cond, (void)mutex; }
static inline int js_cond_timedwait(js_cond_t *cond, js_mutex_t *mutex, uint64_t timeout_ns) {
  (void)cond, (void)mutex, (void)timeout_ns;
  return -1;
}

#endif
